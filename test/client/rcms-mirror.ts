// Made from the OpenAPI document by `npm run client`; not to be changed by hand.

export interface Schemas {
  "Kind": "organizations" | "staff" | "clients" | "assessment-status" | "reminders";
  "NewConnection": { id: string; source: "rcms"; base_url: string; api_key: string; webhook: { public_url: string; events?: string[] } | { signing_secret: string; webhook_id?: string }; fields?: { [name in Schemas["Kind"]]?: string[] } };
  "NewFields": { fields: { [name in Schemas["Kind"]]?: string[] } };
  "NewSecret": { signing_secret: string };
  "Resumption": { api_key?: string };
  "NewLogin": { user_id: string; client_id: string };
  "KindsOrder": { kinds?: ("organizations" | "staff" | "clients" | "assessment-status")[] };
  "NewKey": { connection: string; name: string; organizations?: string[]; kinds?: Schemas["Kind"][]; expires_at?: string };
  "Error": { error: { code: "invalid_request" | "unauthorized" | "signature_invalid" | "forbidden" | "not_found" | "method_not_allowed" | "conflict" | "payload_too_large" | "unsupported_media_type" | "rate_limited" | "internal" | "bad_environment" | "upstream_refused" | "unavailable" | "upstream_unavailable" | "gateway_timeout"; message: string; request_id: string; issues?: { path: string; message: string }[] } };
  "Organization": { id: string | number; organization_id?: string | number | null; status?: string | null; created_at?: string | null; updated_at?: string | null; [name: string]: unknown };
  "StaffMember": { id: string | number; organization_id?: string | number | null; status?: string | null; created_at?: string | null; updated_at?: string | null; [name: string]: unknown };
  "Client": { id: string | number; organization_id?: string | number | null; status?: string | null; created_at?: string | null; updated_at?: string | null; [name: string]: unknown };
  "AssessmentStatus": { client_id?: string | number; organization_id?: string | number | null; status?: string | null; created_at?: string | null; updated_at?: string | null; [name: string]: unknown };
  "Reminder": { id: string; type: string; status: "open" | "acknowledged" | "closed"; organization_id: string | number | null; client_id?: string | number; created_at: string; updated_at: string; acknowledged_at: string | null; closed_at: string | null; [name: string]: unknown };
  "ListMeta": { next_url: string | null; as_of: string | null; complete: boolean };
  "OrganizationList": { data: Schemas["Organization"][]; meta: Schemas["ListMeta"] };
  "StaffList": { data: Schemas["StaffMember"][]; meta: Schemas["ListMeta"] };
  "ClientList": { data: Schemas["Client"][]; meta: Schemas["ListMeta"] };
  "OneOrganization": { data: Schemas["Organization"] };
  "OneStaffMember": { data: Schemas["StaffMember"] };
  "OneClient": { data: Schemas["Client"] };
  "OneAssessmentStatus": { data: Schemas["AssessmentStatus"] };
  "ReminderList": { data: Schemas["Reminder"][]; meta: Schemas["ListMeta"] };
  "OneReminder": { data: Schemas["Reminder"] };
  "Change": { seq: number; kind: Schemas["Kind"]; id: string; op: "upsert" | "delete"; updated_at: string | null; as_of: string; record: { [name: string]: unknown } | null };
  "ChangeFeed": { data: Schemas["Change"][]; meta: { next_after: number; has_more: boolean } };
  "OneBackfill": { data: { id: string; status: "queued" | "running" | "done" | "failed"; reason: string | null; created_at: string; updated_at: string } };
  "Received": { received: true };
  "Health": { status: "ok" | "degraded"; connections: { source: string; status: "connecting" | "active" | "degraded" | "paused" }[] };
  "OpenApi": { openapi: string; [name: string]: unknown };
  "RcmsDelivery": { id: string; type: string; created_at: string; organization_id?: string; data: { [name: string]: unknown }; [name: string]: unknown };
  "Connected": { data: { id: string; status: "connecting" | "active" | "degraded" | "paused"; webhook_url: string | null; webhook_id: string | null } };
  "Connection": { id: string; source: string; base_url: string; status: "connecting" | "active" | "degraded" | "paused"; status_reason: string | null; created_at: string; webhook_id: string | null; webhook_url: string | null; last_event_at: string | null; latency: { p50_ms: number; p95_ms: number; events: number } | null; queues: { events: number; jobs: number } | null; dead_letters: number; reminders: { open: number; oldest_open_at: string | null; open_over_1_hour: number; open_over_1_day: number }; kinds: { [name in Schemas["Kind"]]: { records: number; complete: boolean; watermark: string | null; last_sweep: { at: string; pages: number; seen: number; drifted: number } | null; drift: { missed: number; late: number; rewritten: number; deleted: number } } }; verifier: { last_run_at: string | null; checked: number; drifted: number; deletions_noticed_within_minutes: number | null } };
  "OneConnection": { data: Schemas["Connection"] };
  "Connections": { data: Schemas["Connection"][] };
  "Disconnected": { data: { id: string; removed: { [name: string]: number }; webhook: "removed" | "left" } };
  "Named": { data: { id: string } };
  "Resumed": { data: { id: string; status: "active" } };
  "Swept": { data: { kind: Schemas["Kind"]; pages: number; seen: number; drifted: number; watermark: string | null; finished: boolean; reason: string | null }[] };
  "Rebuilds": { data: { kind: Schemas["Kind"]; status: "queued" | "running" | "done" | "failed" | "cancelled"; reason: string | null; pages: number; records: number; written: number; estimated_records: number; estimated_seconds_left: number | null; started_at: string; updated_at: string }[] };
  "Cancelled": { data: { cancelled: number } };
  "Delivery": { event_id: string | null; type: string; status: "delivered" | "pending" | "failed"; attempts: number; created_at: string | null };
  "DeliveryReport": { data: { webhook: "active" | "disabled" | "missing" | "unknown"; deliveries: number; failures_in_a_row: number; failed: Schemas["Delivery"][]; missing: Schemas["Delivery"][] } };
  "Keys": { data: { id: string; connection: string; name: string; organizations: string[] | null; kinds: Schemas["Kind"][] | null; created_at: string; expires_at: string | null }[] };
  "MintedKey": { data: { id: string; connection: string; name: string; organizations: string[] | null; kinds: Schemas["Kind"][] | null; created_at: string; expires_at: string | null; key: string } };
  "Events": { data: { connection: string; event_id: string; type: string; kind: Schemas["Kind"] | null; record_id: string | null; created_at: string | null; received_at: string; done_at: string | null; outcome: string; attempts: number }[] };
  "DeadLetters": { data: { id: string; connection: string | null; queue: "events" | "jobs"; type: string; kind: Schemas["Kind"] | null; record_id: string | null; reason: string; attempts: number; since: string; parked_at: string }[] };
  "Replayed": { data: { replayed: number; more: boolean } };
  "Purged": { data: { client_id: string; suppressed_ids: string[]; removed: { [name: string]: number } } };
  "Fields": { data: { id: string; fields: { [name in Schemas["Kind"]]?: string[] }; pending: Schemas["Kind"][] } };
  "FieldsChanged": { data: { id: string; fields: { [name in Schemas["Kind"]]?: string[] }; narrowed: Schemas["Kind"][]; widened: Schemas["Kind"][] } };
  "AccessLog": { data: { id: string; at: string; connection: string; key: string; action: "read" | "list" | "changes" | "ack" | "login" | "backfill" | "other"; kind: Schemas["Kind"] | null; record_id: string | null; records: number | null; status: number }[]; meta: { next_before: string | null } };
}

export interface Responses {
  "invalid_request": Schemas["Error"] & { error: { code: "invalid_request" } };
  "unauthorized": Schemas["Error"] & { error: { code: "unauthorized" } };
  "forbidden": Schemas["Error"] & { error: { code: "forbidden" } };
  "rate_limited": Schemas["Error"] & { error: { code: "rate_limited" } };
  "method_not_allowed": Schemas["Error"] & { error: { code: "method_not_allowed" } };
  "internal.bad_environment": Schemas["Error"] & { error: { code: "internal" | "bad_environment" } };
  "not_found": Schemas["Error"] & { error: { code: "not_found" } };
  "upstream_unavailable": Schemas["Error"] & { error: { code: "upstream_unavailable" } };
  "gateway_timeout": Schemas["Error"] & { error: { code: "gateway_timeout" } };
  "payload_too_large": Schemas["Error"] & { error: { code: "payload_too_large" } };
  "signature_invalid": Schemas["Error"] & { error: { code: "signature_invalid" } };
  "unsupported_media_type": Schemas["Error"] & { error: { code: "unsupported_media_type" } };
  "unavailable": Schemas["Error"] & { error: { code: "unavailable" } };
  "conflict": Schemas["Error"] & { error: { code: "conflict" } };
  "upstream_refused": Schemas["Error"] & { error: { code: "upstream_refused" } };
}

export interface Operations {
  "GET /v1/organizations": {
    input: { query?: { limit?: number; cursor?: string; updated_after?: string; organization_id?: string; status?: string }; headers?: { "If-None-Match"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["OrganizationList"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /v1/staff": {
    input: { query?: { limit?: number; cursor?: string; updated_after?: string; organization_id?: string; status?: string }; headers?: { "If-None-Match"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["StaffList"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /v1/clients": {
    input: { query?: { limit?: number; cursor?: string; updated_after?: string; organization_id?: string; status?: string }; headers?: { "If-None-Match"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["ClientList"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /v1/organizations/{id}": {
    input: { path: { id: string }; headers?: { "If-None-Match"?: string; "If-Modified-Since"?: string; "Cache-Control"?: string; "Mirror-Min-Seq"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["OneOrganization"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "GET /v1/changes": {
    input: { query?: { after?: number; limit?: number; kinds?: string; wait?: number }; headers?: { "If-None-Match"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["ChangeFeed"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /v1/staff/{id}": {
    input: { path: { id: string }; headers?: { "If-None-Match"?: string; "If-Modified-Since"?: string; "Cache-Control"?: string; "Mirror-Min-Seq"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["OneStaffMember"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "GET /v1/clients/{id}": {
    input: { path: { id: string }; headers?: { "If-None-Match"?: string; "If-Modified-Since"?: string; "Cache-Control"?: string; "Mirror-Min-Seq"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["OneClient"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "GET /v1/clients/{id}/assessment-status": {
    input: { path: { id: string }; headers?: { "If-None-Match"?: string; "If-Modified-Since"?: string; "Cache-Control"?: string; "Mirror-Min-Seq"?: string; "Mirror-Bookmark"?: string } };
    answers: { 200: Schemas["OneAssessmentStatus"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "GET /v1/reminders": {
    input: { query?: { limit?: number; cursor?: string; status?: "open" | "acknowledged" | "closed" }; headers?: { "If-None-Match"?: string } };
    answers: { 200: Schemas["ReminderList"]; 304: undefined; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /v1/reminders/{id}/ack": {
    input: { path: { id: string } };
    answers: { 200: Schemas["OneReminder"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /v1/logins": {
    input: { body: Schemas["NewLogin"] };
    answers: { 200: Schemas["OneBackfill"]; 202: Schemas["OneBackfill"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "GET /v1/backfills/{id}": {
    input: { path: { id: string } };
    answers: { 200: Schemas["OneBackfill"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 403: Responses["forbidden"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 429: Responses["rate_limited"]; 500: Responses["internal.bad_environment"]; 503: Responses["upstream_unavailable"]; 504: Responses["gateway_timeout"] };
  };
  "POST /hooks/{connection}": {
    input: { path: { connection: string }; headers?: { "Content-Encoding"?: string }; body: Schemas["RcmsDelivery"] };
    answers: { 202: Schemas["Received"]; 401: Responses["signature_invalid"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 415: Responses["unsupported_media_type"]; 500: Responses["internal.bad_environment"]; 503: Responses["unavailable"] };
  };
  "GET /healthz": {
    input: Record<string, never>;
    answers: { 200: Schemas["Health"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /openapi.json": {
    input: { headers?: { "If-None-Match"?: string } };
    answers: { 200: Schemas["OpenApi"]; 304: undefined; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /docs": {
    input: { headers?: { "If-None-Match"?: string } };
    answers: { 200: string; 304: undefined; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/connections": {
    input: { body: Schemas["NewConnection"] };
    answers: { 201: Schemas["Connected"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 409: Responses["conflict"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"]; 502: Responses["upstream_refused"] };
  };
  "GET /admin/connections": {
    input: Record<string, never>;
    answers: { 200: Schemas["Connections"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/connections/{id}": {
    input: { path: { id: string } };
    answers: { 200: Schemas["OneConnection"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "DELETE /admin/connections/{id}": {
    input: { path: { id: string }; query?: { force?: "true" | "false" } };
    answers: { 200: Schemas["Disconnected"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"]; 502: Responses["upstream_refused"] };
  };
  "POST /admin/connections/{id}/secrets": {
    input: { path: { id: string }; body: Schemas["NewSecret"] };
    answers: { 201: Schemas["Named"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/connections/{id}/resume": {
    input: { path: { id: string }; body?: Schemas["Resumption"] };
    answers: { 200: Schemas["Resumed"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/connections/{id}/sweep": {
    input: { path: { id: string }; body?: Schemas["KindsOrder"] };
    answers: { 200: Schemas["Swept"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/connections/{id}/rebuild": {
    input: { path: { id: string }; body?: Schemas["KindsOrder"] };
    answers: { 202: Schemas["Rebuilds"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/connections/{id}/rebuild": {
    input: { path: { id: string } };
    answers: { 200: Schemas["Rebuilds"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "DELETE /admin/connections/{id}/rebuild": {
    input: { path: { id: string } };
    answers: { 200: Schemas["Cancelled"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/connections/{id}/deliveries": {
    input: { path: { id: string } };
    answers: { 200: Schemas["DeliveryReport"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"]; 502: Responses["upstream_refused"] };
  };
  "POST /admin/keys": {
    input: { body: Schemas["NewKey"] };
    answers: { 201: Schemas["MintedKey"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/keys": {
    input: Record<string, never>;
    answers: { 200: Schemas["Keys"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "DELETE /admin/keys/{id}": {
    input: { path: { id: string } };
    answers: { 200: Schemas["Named"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/events": {
    input: { query?: { connection?: string; outcome?: string; limit?: number } };
    answers: { 200: Schemas["Events"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/dead-letters": {
    input: { query?: { connection?: string; limit?: number } };
    answers: { 200: Schemas["DeadLetters"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/dead-letters/replay": {
    input: Record<string, never>;
    answers: { 200: Schemas["Replayed"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "POST /admin/dead-letters/{id}/replay": {
    input: { path: { id: string } };
    answers: { 200: Schemas["Replayed"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "DELETE /admin/connections/{id}/clients/{client_id}": {
    input: { path: { id: string; client_id: string } };
    answers: { 200: Schemas["Purged"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/connections/{id}/fields": {
    input: { path: { id: string } };
    answers: { 200: Schemas["Fields"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
  "PUT /admin/connections/{id}/fields": {
    input: { path: { id: string }; body: Schemas["NewFields"] };
    answers: { 202: Schemas["FieldsChanged"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 404: Responses["not_found"]; 405: Responses["method_not_allowed"]; 413: Responses["payload_too_large"]; 500: Responses["internal.bad_environment"] };
  };
  "GET /admin/access": {
    input: { query?: { connection?: string; key?: string; before?: string; limit?: number } };
    answers: { 200: Schemas["AccessLog"]; 400: Responses["invalid_request"]; 401: Responses["unauthorized"]; 405: Responses["method_not_allowed"]; 500: Responses["internal.bad_environment"] };
  };
}
