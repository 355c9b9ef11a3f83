// The API's reference, drawn from openapi.json; nothing is said here that is not in there.

import { byId, el } from "./dom.js";

const ORDER = ["get", "post", "patch", "delete"];
const document_ = await (await fetch("openapi.json")).json();

const resolve = (schema) => (schema?.$ref ? schema.$ref.split("/").slice(1).reduce((at, step) => at[step], document_) : schema);
const nameOf = (schema) => schema?.$ref?.split("/").at(-1);

function words(text) {
  return text.split(/(`[^`]+`)/).map((part) => (part.startsWith("`") ? el("code", {}, part.slice(1, -1)) : part));
}

/** As much Markdown as our own texts use: paragraphs, lists, code. */
function prose(text) {
  return text.trim().split(/\n\n+/).map((block) =>
    block.startsWith("* ")
      ? el("ul", {}, block.split(/\n?\* /).filter(Boolean).map((item) => el("li", {}, words(item.replace(/\s+/g, " ")))))
      : el("p", {}, words(block.replace(/\s+/g, " "))));
}

/** `within`: the unions that are being read, for JSON's own is a union with lists of itself. */
function kindOf(given, within = []) {
  if (given && within.includes(given.$ref)) return nameOf(given);
  const schema = resolve(given) ?? {};
  const inside = given?.$ref ? [...within, given.$ref] : within;
  if (schema.anyOf) return schema.anyOf.map((one) => kindOf(one, inside)).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${schema.items ? kindOf(schema.items, inside) : "anything"}`;
  if (schema.type === "object") return nameOf(given) ?? "object";
  return schema.type ?? "anything";
}

function limitsOf(given) {
  const schema = resolve(given) ?? {};
  const of = schema.anyOf ? schema.anyOf.map((one) => resolve(one)).find((one) => one.type !== "null") ?? {} : schema;
  const said = [];
  if (of.minimum !== undefined) said.push(`≥ ${of.minimum}`);
  if (of.exclusiveMinimum !== undefined) said.push(`> ${of.exclusiveMinimum}`);
  if (of.maximum !== undefined) said.push(`≤ ${of.maximum}`);
  if (of.minLength || of.maxLength) said.push(`${of.minLength ?? 0} to ${of.maxLength ?? "any number of"} characters`);
  if (of.minItems || of.maxItems) said.push(`${of.minItems ?? 0} to ${of.maxItems} items`);
  if (of.format) said.push(of.format);
  else if (of.pattern && !of.maxLength) said.push(of.pattern);
  if (schema.default !== undefined && schema.default !== null) said.push(`default ${JSON.stringify(schema.default)}`);
  return said.join(", ");
}

/** The object a schema is, or is a list of, if its members are worth listing. */
function inner(given) {
  const schema = resolve(given) ?? {};
  const of = schema.anyOf ? resolve(schema.anyOf.find((one) => one.$ref) ?? {}) : schema;
  const item = of?.type === "array" ? resolve(of.items) : of;
  return item?.properties ? item : null;
}

function fields(schema, depth = 0) {
  const required = new Set(schema.required ?? []);
  return el("ul", { class: "fields" }, Object.entries(schema.properties).map(([name, member]) => {
    const within = depth < 3 && inner(member);
    const description = member.description ?? resolve(member)?.description;
    return el("li", {},
      el("code", {}, name), " ",
      el("span", { class: "kind" }, [kindOf(member), limitsOf(member), required.has(name) && depth === 0 ? "required" : ""].filter(Boolean).join(", ")),
      description ? [" – ", ...words(description)] : null,
      within ? fields(within, depth + 1) : null);
  }));
}

function parameter(given) {
  return el("li", {},
    el("code", {}, given.name), " ",
    el("span", { class: "kind" }, [given.in, kindOf(given.schema), limitsOf(given.schema), given.required ? "required" : ""].filter(Boolean).join(", ")),
    given.description ? [" – ", ...words(given.description)] : null);
}

/** What any answer may carry is said once, in the description. */
const own = (headers) => Object.entries(headers ?? {}).filter(([, header]) => !header.$ref);

function answer([status, given]) {
  const response = resolve(given);
  const schema = response.content?.["application/json"]?.schema;
  const shape = schema && inner(schema);
  return el("li", {},
    el("code", {}, status), " ", ...words(response.description), " ",
    own(response.headers).map(([name, header]) => [el("br"), el("span", { class: "kind" }, `${name}: `), ...words(header.description)]).flat(),
    shape ? el("details", {}, el("summary", {}, nameOf(schema) ?? "its fields"), fields(shape)) : null);
}

function operation(path, method, given) {
  const body = given.requestBody?.content["application/json"]?.schema;
  const members = body && inner(body);
  const example = body && resolve(body).examples?.[0];
  const answers = Object.entries(given.responses);
  const good = answers.filter(([status]) => status < "400"), bad = answers.filter(([status]) => status >= "400");
  return el("section", { class: "card operation", id: given.operationId },
    el("h3", {}, el("span", { class: "method", "data-method": method }, method.toUpperCase()), el("code", {}, path)),
    ...prose(given.description ?? ""),
    ...(given.parameters ? [el("h4", {}, "Parameters"), el("ul", { class: "fields" }, given.parameters.map(parameter))] : []),
    ...(body ? [el("h4", {}, "Body"), members ? fields(members) : el("p", { class: "kind" }, kindOf(body))] : []),
    ...(example ? [el("h4", {}, "Example"), el("pre", { tabindex: "0" }, `curl -X ${method.toUpperCase()} ${new URL(path.slice(1), location.href)} -d '${JSON.stringify(example)}'`)] : []),
    el("h4", {}, "Answers"),
    el("ul", { class: "fields" }, good.map(answer)),
    el("details", {}, el("summary", {}, "Problems"), el("ul", { class: "fields" }, bad.map(answer))));
}

const found = Object.entries(document_.paths).flatMap(([path, item]) =>
  ORDER.filter((method) => item[method]).map((method) => ({ path, method, given: item[method] })));

byId("reference").replaceChildren(
  ...prose(document_.info.description),
  ...document_.tags.flatMap((tag) => [
    el("h2", { class: "tagged" }, tag.name),
    el("p", { class: "hint" }, tag.description),
    ...found.filter(({ given }) => given.tags.includes(tag.name)).map(({ path, method, given }) => operation(path, method, given)),
  ]));
byId("contents").replaceChildren(...document_.tags.flatMap((tag) => [
  el("h2", {}, tag.name),
  ...found.filter(({ given }) => given.tags.includes(tag.name)).map(({ path, method, given }) =>
    el("a", { href: `#${given.operationId}` }, el("span", { class: "method", "data-method": method }, method.toUpperCase()), path)),
]));
if (location.hash) byId(location.hash.slice(1))?.scrollIntoView();
