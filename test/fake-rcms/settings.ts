// Every switch of a network: its type, its default and the check a new value must pass.
// A switch is read at the moment it matters, so changing one takes effect on the next request or delivery.

import {
  type Check,
  checkedFields,
  flag,
  instant,
  isNumber,
  isObject,
  oneOf,
  orNull,
  range,
  rate,
  text,
  whole,
} from "./checks.ts";

export type Range = [number, number];
export type SingleMode = "ok" | "404" | "405";

export interface DeliverSettings {
  drop_rate: number;
  duplicate_rate: number;
  reorder: boolean;
  reorder_window_ms: number;
  delay_ms: Range;
}

/** One scripted answer; it is used up by the first request that matches it. */
export interface Failure {
  /** 0 cuts the connection without an answer. Absent: the true answer (with `delay_ms` or `hang`). */
  status?: number;
  method?: string;
  path_contains?: string;
  retry_after?: number;
  /** The answer is worked out first and sent this much later: a slow, by then outdated read. */
  delay_ms?: number;
  hang?: boolean;
  /** The request takes effect, only its answer is replaced. */
  applied?: boolean;
}

export interface Settings {
  seed: number;
  clock_skew_ms: number;
  visibility_lag_ms: number;
  timestamp_grain: "ms" | "s";
  id_style: "number" | "ulid" | "uuid" | "prefixed";
  paging: "time" | "id" | "offset";
  page_size: number;
  cursor_param: string;
  single_envelope: "data" | "bare";
  organizations_single: SingleMode;
  staff_single: SingleMode;
  clients_single: SingleMode;
  assessment_status_single: SingleMode;
  omit_status_updated_at: boolean;
  assessment_touches_client: boolean;
  extra_fields: boolean;
  event_id_place: "typed" | "id" | "envelope";
  alias_ids: boolean;
  deliver: DeliverSettings;
  delivery_concurrency: number;
  delivery_timeout_ms: number;
  retry_speed: number;
  sign_retries: "anew" | "once";
  webhooks_off: boolean;
  allow_http_webhooks: boolean;
  refuse_webhook_registration: boolean;
  error_rate: number;
  error_status: number;
  error_body: "json" | "text" | "html" | "empty";
  latency_ms: Range;
  timeout_rate: number;
  timeout_bound_ms: number;
  rate_limited_until: string | null;
  rate_limit_per_minute: number | null;
  rate_limit_headers: "none" | "ratelimit" | "x-ratelimit";
  retry_after_style: "seconds" | "date" | "none";
  fail_next: Failure[];
  hostile_next_url: string | null;
  redirect_to: string | null;
}

export type SettingsPatch = Partial<Omit<Settings, "deliver">> & { deliver?: Partial<DeliverSettings> };

export function defaultSettings(retrySpeed: number): Settings {
  return {
    seed: 1,
    clock_skew_ms: 0,
    visibility_lag_ms: 0,
    timestamp_grain: "ms",
    id_style: "prefixed",
    paging: "time",
    page_size: 100,
    cursor_param: "cursor",
    single_envelope: "data",
    organizations_single: "ok",
    staff_single: "ok",
    clients_single: "ok",
    assessment_status_single: "ok",
    omit_status_updated_at: false,
    assessment_touches_client: false,
    extra_fields: false,
    event_id_place: "typed",
    alias_ids: false,
    deliver: { drop_rate: 0, duplicate_rate: 0, reorder: false, reorder_window_ms: 50, delay_ms: [0, 0] },
    delivery_concurrency: 32,
    delivery_timeout_ms: 30_000,
    retry_speed: retrySpeed,
    sign_retries: "anew",
    webhooks_off: false,
    allow_http_webhooks: true,
    refuse_webhook_registration: false,
    error_rate: 0,
    error_status: 503,
    error_body: "json",
    latency_ms: [0, 0],
    timeout_rate: 0,
    timeout_bound_ms: 60_000,
    rate_limited_until: null,
    rate_limit_per_minute: null,
    rate_limit_headers: "none",
    retry_after_style: "seconds",
    fail_next: [],
    hostile_next_url: null,
    redirect_to: null,
  };
}

/** Checks the whole patch before applying any of it. Throws a 400 that names the field. */
export function patchSettings(settings: Settings, patch: unknown): void {
  const accepted = checkedFields("settings", patch, checks);
  const { deliver, ...rest } = accepted;
  const deliverPatch =
    deliver === undefined ? {} : checkedFields("settings.deliver", deliver, deliverChecks, "deliver.");
  Object.assign(settings, structuredClone(rest));
  Object.assign(settings.deliver, structuredClone(deliverPatch));
}

const DAY_MS = 86_400_000;
const milliseconds = whole(0, 7 * DAY_MS);

const failures: Check = (value) => {
  if (!Array.isArray(value)) return "a list of scripted failures";
  for (const item of value) checkedFields("fail_next[]", item, failureChecks, "fail_next[].");
  return null;
};

const failureChecks: Record<keyof Failure, Check> = {
  status: (value) => (value === 0 ? null : whole(200, 599)(value) && "0 or an HTTP status from 200 to 599"),
  method: text,
  path_contains: text,
  retry_after: whole(0, 86_400),
  delay_ms: milliseconds,
  hang: flag,
  applied: flag,
};

const deliverChecks: Record<keyof DeliverSettings, Check> = {
  drop_rate: rate,
  duplicate_rate: rate,
  reorder: flag,
  reorder_window_ms: milliseconds,
  delay_ms: range,
};

const single = oneOf("ok", "404", "405");

const checks: Record<keyof Settings, Check> = {
  seed: whole(0, 2 ** 32 - 1),
  clock_skew_ms: whole(-365 * DAY_MS, 365 * DAY_MS),
  visibility_lag_ms: milliseconds,
  timestamp_grain: oneOf("ms", "s"),
  id_style: oneOf("number", "ulid", "uuid", "prefixed"),
  paging: oneOf("time", "id", "offset"),
  page_size: whole(1, 200),
  cursor_param: text,
  single_envelope: oneOf("data", "bare"),
  organizations_single: single,
  staff_single: single,
  clients_single: single,
  assessment_status_single: single,
  omit_status_updated_at: flag,
  assessment_touches_client: flag,
  extra_fields: flag,
  event_id_place: oneOf("typed", "id", "envelope"),
  alias_ids: flag,
  deliver: (value) => (isObject(value) ? null : "an object"),
  delivery_concurrency: whole(1, 1000),
  delivery_timeout_ms: whole(1, DAY_MS),
  retry_speed: (value) => (isNumber(value) && value > 0 ? null : "a number above 0"),
  sign_retries: oneOf("anew", "once"),
  webhooks_off: flag,
  allow_http_webhooks: flag,
  refuse_webhook_registration: flag,
  error_rate: rate,
  error_status: whole(500, 599),
  error_body: oneOf("json", "text", "html", "empty"),
  latency_ms: range,
  timeout_rate: rate,
  timeout_bound_ms: milliseconds,
  rate_limited_until: orNull(instant),
  rate_limit_per_minute: orNull(whole(1, 1_000_000)),
  rate_limit_headers: oneOf("none", "ratelimit", "x-ratelimit"),
  retry_after_style: oneOf("seconds", "date", "none"),
  fail_next: failures,
  hostile_next_url: orNull(text),
  redirect_to: orNull(text),
};
