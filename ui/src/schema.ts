// What a form needs to know of a JSON Schema; what it cannot show, it leaves to JSON.

export interface Field {
  name: string;
  kind: "text" | "lines" | "number" | "integer" | "yesno" | "choice" | "json";
  required: boolean;
  nullable: boolean;
  description: string;
  choices: unknown[];
  preset: unknown;
  example: string;
  minimum: number | undefined;
  maximum: number | undefined;
  maxLength: number | undefined;
  secret: boolean;
}

type Schema = Record<string, unknown>;
const LONG = 500;

export function fieldsOf(schema: Schema, secret: readonly string[]): Field[] | null {
  const properties = schema.properties;
  if (typeof properties !== "object" || properties === null) return null;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = Object.entries(properties as Record<string, Schema>).map(([name, given]): Field => {
    const member = resolved(schema, given);
    const [of, nullable] = withoutNull(schema, member);
    const numbers = Object.fromEntries(["minimum", "maximum", "maxLength"].map((key) => [key, typeof of[key] === "number" ? of[key] : undefined]));
    const examples = [given.examples, member.examples, of.examples].find(Array.isArray) as unknown[] | undefined;
    return {
      name,
      kind: kindOf(of),
      required: required.includes(name),
      nullable,
      description: String(given.description ?? member.description ?? of.description ?? ""),
      choices: Array.isArray(of.enum) ? of.enum : "const" in of ? [of.const] : [],
      preset: given.default ?? member.default,
      example: examples?.length ? asText(examples[0]) : "",
      minimum: numbers.minimum as number | undefined,
      maximum: numbers.maximum as number | undefined,
      maxLength: numbers.maxLength as number | undefined,
      secret: secret.includes(`/${name}`),
    };
  });
  return fields.sort((one, other) => Number(other.required) - Number(one.required));
}

function resolved(root: Schema, schema: Schema): Schema {
  if (typeof schema.$ref !== "string") return schema;
  const found = schema.$ref.split("/").slice(1).reduce<unknown>((at, step) => (at as Schema | undefined)?.[step], root);
  return typeof found === "object" && found !== null ? { ...(found as Schema), ...schema } : schema;
}

function withoutNull(root: Schema, schema: Schema): [Schema, boolean] {
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) {
    const others = (options as Schema[]).map((one) => resolved(root, one)).filter((one) => one.type !== "null");
    return [others.length === 1 && others[0] ? others[0] : schema, others.length < options.length];
  }
  if (Array.isArray(schema.type)) {
    const others = schema.type.filter((one) => one !== "null");
    return [others.length === 1 ? { ...schema, type: others[0] } : schema, others.length < schema.type.length];
  }
  return [schema, false];
}

function kindOf(schema: Schema): Field["kind"] {
  if (Array.isArray(schema.enum) || "const" in schema) return "choice";
  switch (schema.type) {
    case "string": return typeof schema.maxLength === "number" && schema.maxLength > LONG && !schema.format ? "lines" : "text";
    case "integer": return "integer";
    case "number": return "number";
    case "boolean": return "yesno";
    default: return "json";
  }
}

export const asText = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** What a field holds, as typed. Undefined: nothing was said. */
export type Typed = Record<string, string | undefined>;

/** What stands in the fields to begin with: of a payload, or nothing. */
export function typedOf(fields: readonly Field[], payload: Record<string, unknown>): Typed {
  return Object.fromEntries(fields.map((field) => {
    const value = payload[field.name];
    if (value === undefined || (value === null && field.kind !== "json")) return [field.name, undefined];
    return [field.name, field.kind === "text" || field.kind === "lines" ? asText(value) : JSON.stringify(value)];
  }));
}

/** The payload as JSON text; numbers travel as they were typed, so that those beyond JavaScript's stay whole. */
export function payloadOf(fields: readonly Field[], typed: Typed, others: Record<string, unknown>): string {
  const members = fields.flatMap((field) => {
    const said = typed[field.name];
    if (said === undefined || (said === "" && (!field.required || (field.kind !== "text" && field.kind !== "lines")))) {
      return field.required && (field.kind === "text" || field.kind === "lines") ? [`${JSON.stringify(field.name)}: ""`] : [];
    }
    const text = field.kind === "text" || field.kind === "lines" ? JSON.stringify(said) : said.trim();
    return [`${JSON.stringify(field.name)}: ${text}`];
  });
  const rest = Object.entries(others).filter(([name]) => !fields.some((field) => field.name === name));
  return `{${[...members, ...rest.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`)].join(", ")}}`;
}
