// The rows that reads are measured with: the same for the mirror and for what it is measured against.

export const bodyOf = (n: number) =>
  `{"id":"client_${n}","organization_id":"org_${n % 50}","first_name":"Ada","last_name":"Lovelace","status":"active","level_of_care":"residential","admitted_at":"2026-01-01T00:00:00.000Z","updated_at":"2026-01-01T00:00:00.000Z"}`;
