// API keys and what each may see. The same rule decides which records a key reads and which events its webhooks get.

import { randomBytes } from "node:crypto";
import type { Fields, Kind } from "./records.ts";

export type Scope =
  | { scope: "network" }
  | { scope: "organization"; id: string }
  | { scope: "client"; id: string };

export interface ApiKey {
  key: string;
  scope: Scope;
  revoked: boolean;
}

export function newApiKey(scope: Scope): ApiKey {
  return { key: `rcms_test_${randomBytes(18).toString("hex")}`, scope, revoked: false };
}

/** Enough of a key to tell two apart in a log, useless to call with. */
export function keyPrefix(key: string): string {
  return `${key.slice(0, 16)}…`;
}

export function sees(scope: Scope, kind: Kind, fields: Fields): boolean {
  if (scope.scope === "network") return true;
  if (scope.scope === "organization")
    return String(kind === "organizations" ? fields.id : fields.organization_id) === scope.id;
  if (kind === "clients") return String(fields.id) === scope.id;
  return kind === "assessment-status" && String(fields.client_id) === scope.id;
}

/** A network key manages every webhook; a narrower key only those of exactly its own scope. */
export function manages(scope: Scope, owner: Scope): boolean {
  if (scope.scope === "network") return true;
  return owner.scope === scope.scope && owner.id === scope.id;
}
