// The one style of the page for people. It stands in the page itself, where its hash lets it through.

export const docsStyle = `
:root { color-scheme: light dark; --line: #8885; --faint: #8882; --link: light-dark(#0b57d0, #8ab4f8); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; }
nav ul { list-style: none; padding: 0; columns: 18rem; }
nav li { break-inside: avoid; }
section { border-top: 1px solid var(--line); margin-top: 2rem; }
article { margin: 2rem 0; }
h3 { margin: 0; }
h4 { margin: 1rem 0 0.25rem; }
code, pre { font: 0.875rem/1.5 ui-monospace, monospace; }
pre { background: var(--faint); padding: 0.75rem; white-space: pre-wrap; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.75rem 0.25rem 0; text-align: left; vertical-align: top; }
tbody th { font-weight: normal; }
td p { margin: 0; }
`;
