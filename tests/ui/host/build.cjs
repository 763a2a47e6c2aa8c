// Builds the host page: node build.cjs <folder with node_modules> <target folder>

const fs = require("fs");
const path = require("path");

const [libraries, target] = process.argv.slice(2).map((name) => path.resolve(name));
const modules = path.join(libraries, "node_modules");
const esbuild = require(path.join(modules, "esbuild"));
const sass = require(path.join(modules, "sass"));

const assets = path.join(target, "assets");
fs.mkdirSync(assets, { recursive: true });
fs.copyFileSync(path.join(__dirname, "index.html"), path.join(target, "index.html"));
const theme = sass.compile(path.join(__dirname, "theme.scss"), {
  loadPaths: [modules],
  quietDeps: true,
});
fs.writeFileSync(path.join(assets, "host.css"), theme.css);
esbuild.buildSync({
  entryPoints: [path.join(__dirname, "app.jsx")],
  outfile: path.join(assets, "host.js"),
  nodePaths: [modules],
  bundle: true,
  format: "esm",
  target: "es2020",
  minifyWhitespace: true, // each test's browser reads it anew
  minifySyntax: true,
  // React's and react-intl's own complaints are errors in the console then, and a test sees them
  define: { "process.env.NODE_ENV": '"development"' },
  logLevel: "warning",
});
