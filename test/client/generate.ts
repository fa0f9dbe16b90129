// `npm run client`: writes the typed client's types anew.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openApiDocument } from "../../src/api/openapi.ts";
import { clientTypes } from "./client-types.ts";

writeFileSync(join(import.meta.dirname, "rcms-mirror.ts"), clientTypes(openApiDocument()));
