// A command that tries a route out: what one sets in the shell stands in it as a variable.

import type { OperationObject } from "./openapi.ts";

export interface Tried {
  readonly method: string;
  /** With parameters in braces. */
  readonly path: string;
  readonly operation: Pick<OperationObject, "security" | "requestBody" | "parameters">;
}

const TOKENS: Readonly<Record<string, string>> = { app: "$APP_KEY", operator: "$ADMIN_TOKEN" };

export function curlOf({ method, path, operation }: Tried): string {
  const [access] = operation.security.flatMap((one) => Object.keys(one));
  const url = `"$MIRROR${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `$${name.toUpperCase()}`)}"`;
  const token = access === undefined ? undefined : TOKENS[access];
  const example = operation.requestBody?.content["application/json"]?.example;
  const body = example === undefined ? undefined : quoted(JSON.stringify(example));
  const curl = [
    "curl -sS",
    ...(method === "GET" || (method === "POST" && body !== undefined) ? [] : [`-X ${method}`]),
    url,
    ...(token === undefined ? [] : [`-H "Authorization: Bearer ${token}"`]),
  ];
  if (access === "signature" && body !== undefined) return signed(curl, body);
  return [...curl, ...(body === undefined ? [] : [`-d ${body}`])].join(" ");
}

function signed(curl: readonly string[], body: string): string {
  return [
    `BODY=${body}`,
    "T=$(date +%s)",
    'V1=$(printf "%s.%s" "$T" "$BODY" | openssl dgst -sha256 -hmac "$SIGNING_SECRET" -r | cut -d" " -f1)',
    [...curl, '-H "X-RCMS-Signature: t=$T,v1=$V1"', '-d "$BODY"'].join(" "),
  ].join("\n");
}

/** One word of the shell, whatever it holds. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
