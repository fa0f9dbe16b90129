// The page for people: the document as HTML, made on the server, without a script. Everything it shows comes from
// the document, and everything that comes from there is escaped by the template.

import { html, raw } from "hono/html";
import { curlOf } from "./docs-curl.ts";
import { docsStyle } from "./docs-style.ts";
import { ERROR_CODES, statusOf } from "./errors.ts";
import type { OpenApiDocument, OperationObject, ParameterObject, ResponseObject } from "./openapi.ts";
import { ERRORS, TAGS } from "./openapi-operation.ts";
import type { JsonSchema } from "./openapi-schemas.ts";
import { shapeOf } from "./openapi-shape.ts";

/** Text that is HTML already. */
type Html = ReturnType<typeof raw>;

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

export function docsPage(document: OpenApiDocument): string {
  const routes = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(
      ([method, operation]): Route => ({ method: method.toUpperCase(), path, operation }),
    ),
  );
  const { info, components } = document;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${info.title}: API</title>
<style>${raw(docsStyle)}</style>
</head>
<body>
<a class="skip" href="#routes">To the routes</a>
<header>
<h1>${info.title}</h1>
<p>${info.description}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a>, OpenAPI ${document.openapi}.</p>
</header>
<nav aria-label="Contents">${Object.keys(TAGS).map((tag) => contents(tag, routes))}
<p><a href="#access">Access</a> · <a href="#errors">Errors</a> · <a href="#shapes">Shapes</a></p></nav>
<main id="routes">
${Object.entries(TAGS).map(([tag, about]) => group(tag, about, routes, document))}
<section id="access"><h2>Access</h2><dl>${Object.entries(components.securitySchemes).map(
    ([name, { description }]) => html`<dt><code>${name}</code></dt><dd>${prose(description)}</dd>`,
  )}</dl></section>
${errors()}
<section id="shapes"><h2>Shapes</h2>${Object.entries(components.schemas).map(
    ([name, schema]) =>
      html`<h3 id="shape-${name}"><code>${name}</code></h3>${prose(schema.description)}<pre>${shapeOf(schema)}</pre>`,
  )}</section>
</main>
</body>
</html>`;
  return String(page);
}

function contents(tag: string, routes: readonly Route[]): Html {
  return html`<h2>${tag}</h2><ul>${tagged(tag, routes).map(
    ({ method, path, operation }) =>
      html`<li><a href="#${operation.operationId}"><code>${method} ${path}</code></a></li>`,
  )}</ul>` as Html;
}

function group(tag: string, about: string, routes: readonly Route[], document: OpenApiDocument): Html {
  return html`<section><h2>${tag}</h2>${prose(about)}${tagged(tag, routes).map((route) =>
    article(route, document),
  )}</section>` as Html;
}

function article(route: Route, document: OpenApiDocument): Html {
  const { operation } = route;
  const [access] = operation.security.flatMap((one) => Object.keys(one));
  const body = operation.requestBody?.content["application/json"];
  const of = `of ${route.method} ${route.path}`;
  return html`<article id="${operation.operationId}">
<h3><code>${route.method} ${route.path}</code></h3>
<p>${operation.summary}. Access: ${access === undefined ? "everybody" : html`<a href="#access">${access}</a>`}.</p>
${prose(operation.description)}
${table("Parameters", of, ["name", "in", "type", "what"], operation.parameters.map(parameterRow))}
${body === undefined ? "" : html`<h4>Body</h4><p>${shape(body.schema)}</p>`}
${table("Answers", of, ["status", "what", "body", "headers"], answerRows(operation, document))}
<h4>Try it</h4><pre class="try">${curlOf(route)}</pre>
</article>` as Html;
}

function parameterRow({
  name,
  in: where,
  required,
  description,
  schema,
}: ParameterObject): readonly unknown[] {
  const limits = [
    required ? "required" : "optional",
    ...(schema.default === undefined ? [] : [`default ${schema.default}`]),
    ...(schema.minimum === undefined ? [] : [`from ${schema.minimum}`]),
    ...(schema.maximum === undefined ? [] : [`to ${schema.maximum}`]),
  ];
  return [code(name), where, code(shapeOf(schema)), prose(`${description ?? ""} (${limits.join(", ")})`)];
}

function answerRows({ responses }: OperationObject, { components }: OpenApiDocument): readonly unknown[][] {
  return Object.entries(responses).map(([status, response]) => {
    const answer =
      "$ref" in response ? components.responses[response.$ref.split("/").at(-1) ?? ""] : response;
    if (answer === undefined) throw new Error("a response is referred to and not there");
    return [status, prose(answer.description), bodyOf(answer), Object.keys(answer.headers).join(", ")];
  });
}

function bodyOf({ content = {} }: ResponseObject): unknown {
  const [type, media] = Object.entries(content)[0] ?? [];
  if (media === undefined) return "";
  // Every error has one shape; its codes are in the description.
  const schema = media.schema.allOf?.[0] ?? media.schema;
  return schema.$ref === undefined ? type : shape(schema);
}

function errors(): Html {
  const rows = ERROR_CODES.map((name) => [String(statusOf(name)), code(name), prose(ERRORS[name].means)]);
  return html`<section id="errors"><h2>Errors</h2>
<p>${code('{"error": {"code", "message", "request_id", "issues"?}}')}</p>
${table("", "Errors", ["status", "code", "what to do"], rows)}</section>` as Html;
}

/** @param of what the table is about, for those who hear it */
function table(
  caption: string,
  of: string,
  head: readonly string[],
  rows: readonly (readonly unknown[])[],
): Html {
  if (rows.length === 0) return raw("");
  // Wide tables scroll by themselves, by keyboard too; the page never does sideways.
  return html`${caption === "" ? "" : html`<h4>${caption}</h4>`}<div class="scroll" role="region" tabindex="0" aria-label="${caption} ${of}"><table>
<thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([first, ...cells]) =>
      html`<tr><th scope="row">${first}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody>
</table></div>` as Html;
}

function tagged(tag: string, routes: readonly Route[]): readonly Route[] {
  return routes.filter(({ operation }) => operation.tags.includes(tag));
}

/** A component by its name, anything else written out. */
function shape(schema: JsonSchema): Html {
  const text = shapeOf(schema);
  return schema.$ref === undefined ? code(text) : (html`<a href="#shape-${text}">${code(text)}</a>` as Html);
}

const code = (text: string) => html`<code>${text}</code>` as Html;

/** Paragraphs, with what stands in backticks as code. */
function prose(text: string | undefined): Html {
  const paragraphs = (text ?? "").split("\n\n").filter((paragraph) => paragraph !== "");
  return html`${paragraphs.map(
    (paragraph) => html`<p>${paragraph.split("`").map((part, i) => (i % 2 === 1 ? code(part) : part))}</p>`,
  )}` as Html;
}
