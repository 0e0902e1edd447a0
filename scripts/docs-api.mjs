// `npm run docs:api`: the API reference of every subpath, into build/api.
//
// typedoc needs the compiler's API, which TypeScript 7 does not have: what it imports as
// "typescript" is TypeScript 6, installed beside it under another name.

import { register } from "node:module";

const hook = `export const resolve = (specifier, context, next) =>
  next(specifier === "typescript" ? "typescript-6" : specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

const { Application, OptionDefaults, TSConfigReader, TypeDocReader } = await import("typedoc");
const options = { blockTags: [...OptionDefaults.blockTags, "@invariant"], logLevel: "Warn" };
const readers = [new TypeDocReader(), new TSConfigReader()];
const app = await Application.bootstrapWithPlugins(options, readers);
const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
await app.generateOutputs(project);
// Warnings are links that lead nowhere and types that nobody exports.
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
