// The migrations are the truth; the tables as drizzle sees them must say the same.

import { getTableConfig, SQLiteTable } from "drizzle-orm/sqlite-core";
import { beforeAll, describe, expect, it } from "vitest";
import * as schema from "../../src/store/schema.ts";
import { migrate, rowsOf, tableNames } from "../support/bindings.ts";

const tables = Object.values(schema)
  .filter((value) => value instanceof SQLiteTable)
  .map((table) => getTableConfig(table));

beforeAll(migrate);

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
}

describe("the schema", () => {
  it("DB1 names every table of the migrations, and no other", async () => {
    expect(tables.map(({ name }) => name).sort()).toEqual((await tableNames()).sort());
    expect(tables.length).toBeGreaterThan(5);
  });

  it.each(tables.map((table) => [table.name, table] as const))(
    "DB1 %s has the columns of the migrations: names, order, types, nulls and defaults",
    async (name, table) => {
      const migrated = await rowsOf<ColumnRow>(`PRAGMA table_info(${name})`);
      expect(
        table.columns.map((column) => ({
          name: column.name,
          type: column.getSQLType().toUpperCase(),
          notnull: column.notNull ? 1 : 0,
          dflt_value: column.hasDefault ? String(column.default) : null,
        })),
      ).toEqual(
        migrated.map(({ name: column, type, notnull, dflt_value }) => ({
          name: column,
          type,
          notnull,
          dflt_value,
        })),
      );
    },
  );

  it.each(tables.map((table) => [table.name, table] as const))(
    "DB1 %s has the primary key, the unique columns and the indexes of the migrations",
    async (name, table) => {
      const columns = await rowsOf<ColumnRow>(`PRAGMA table_info(${name})`);
      const inKey = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      const declared = table.primaryKeys.flatMap((key) => key.columns.map((column) => column.name));
      const single = table.columns.filter(({ primary }) => primary).map((column) => column.name);
      expect([...declared, ...single]).toEqual(inKey.map((column) => column.name));

      const indexes = await rowsOf<{ name: string; unique: number; origin: string }>(
        `PRAGMA index_list(${name})`,
      );
      const indexed = await Promise.all(
        indexes.map(async (index) => ({
          ...index,
          columns: (await rowsOf<{ name: string }>(`PRAGMA index_info(${index.name})`)).map(
            (row) => row.name,
          ),
        })),
      );
      const made = indexed.filter(({ origin }) => origin === "c");
      const ours = table.indexes.map(({ config }) => [
        config.name,
        config.unique,
        config.columns.map((column) => ("name" in column ? column.name : "an expression")),
      ]);
      expect(sorted(ours)).toEqual(
        sorted(made.map(({ name: index, unique, columns: of }) => [index, unique === 1, of])),
      );

      const unique = indexed.filter(({ origin }) => origin === "u").map((index) => index.columns);
      const ourUnique = table.columns.filter(({ isUnique }) => isUnique).map((column) => [column.name]);
      expect(sorted(ourUnique)).toEqual(sorted(unique));
    },
  );
});

function sorted(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}
