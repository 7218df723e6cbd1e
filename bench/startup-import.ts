// Run in a process of its own: says how many milliseconds the import of its argument took.
const specifier = process.argv[2] ?? "";
const start = performance.now();
await import(specifier);
process.stdout.write(String(performance.now() - start));
