const shipped = { path: "^(src|operators|transports)/" };
/** Of Node only. */
const usbipSockets = "^transports/usbip/((tcp|serve)\\.ts$|node/)";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "resolvable",
      comment: "every import leads to a file or a package; the package's own name does once it is built",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "^rx-isoch(/|$)" },
    },
    {
      name: "no-import-of-its-own-name",
      comment: "it would hide the arrow",
      severity: "error",
      from: { path: "^(src|operators|transports)/" },
      to: { path: "^(rx-isoch|dist)(/|$)" },
    },
    {
      name: "no-runtime-cycle",
      comment: "a cycle has at least one type-only import in it",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "src-knows-no-layer-above",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/" },
      to: { path: "^(operators|transports|test|examples)/" },
    },
    {
      name: "src-runs-anywhere",
      comment: "no Node builtin, no native module",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/cli/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "only-libusb-is-native",
      severity: "error",
      from: { path: "^(src|operators|transports)/", pathNot: "^transports/libusb/" },
      to: { path: "\\.node$|^(node_modules/)?(usb|node-gyp(-build)?|node-addon-api|bindings)(/|$)" },
    },
    {
      name: "libusb-imports-its-packages-and-rxjs",
      severity: "error",
      from: { path: "^transports/libusb/" },
      to: { path: "^node_modules/", pathNot: "^node_modules/(rxjs|usb|node-gyp-build|node-addon-api|@types/node)/" },
    },
    {
      name: "operators-import-src-and-rxjs",
      severity: "error",
      from: { path: "^operators/", pathNot: "^operators/node/" },
      to: { pathNot: ["^(src|operators)/", "^node_modules/rxjs/"] },
    },
    {
      name: "class-imports-the-model-alone",
      comment: "a device class knows no other",
      severity: "error",
      from: { path: "^src/class/([^/]+)/" },
      to: { path: "^src/(angular|class/[^/]+|cli|usbd)/", pathNot: "^src/class/$1/" },
    },
    {
      name: "only-operators-media-imports-classes",
      comment: "the model and the other operators do without",
      severity: "error",
      from: { path: "^(src|operators|transports)/", pathNot: "^(src/(class|cli)|operators/media)/" },
      to: { path: "^src/class/" },
    },
    {
      name: "nothing-imports-operators-media",
      severity: "error",
      from: { path: "^(src|operators|transports)/", pathNot: "^(operators/media|src/cli)/" },
      to: { path: "^operators/media/" },
    },
    {
      name: "operators-node-imports-node-and-fast-png-too",
      severity: "error",
      from: { path: "^operators/node/" },
      to: {
        pathNot: ["^src/", "^operators/node/", "^node_modules/(rxjs|fast-png|@types/node)/"],
        dependencyTypesNot: ["core"],
      },
    },
    {
      name: "operators-streams-stands-by-itself",
      severity: "error",
      from: { path: "^operators/streams/" },
      to: { path: "^operators/", pathNot: "^operators/streams/" },
    },
    {
      name: "nothing-pulls-operators-streams-or-node",
      comment: "who wants streams, processes and files imports their entry",
      severity: "error",
      from: { path: "^(src|operators|transports)/", pathNot: "^(operators/(streams|node)|src/cli)/" },
      to: { path: "^operators/(streams|node)/" },
    },
    {
      name: "transports-import-src-and-themselves",
      severity: "error",
      from: { path: "^transports/([^/]+)/" },
      to: { path: "^(operators|transports|test|examples)/", pathNot: "^transports/$1/" },
    },
    {
      name: "replay-virtual-and-webusb-run-anywhere",
      severity: "error",
      from: { path: "^transports/(replay|virtual|webusb)/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "usbip-runs-anywhere-but-for-its-sockets",
      severity: "error",
      from: { path: "^transports/usbip/", pathNot: usbipSockets },
      to: { dependencyTypes: ["core", "npm-optional"] },
    },
    {
      name: "usbip-does-not-pull-its-sockets",
      severity: "error",
      from: { path: "^transports/usbip/", pathNot: usbipSockets },
      to: { path: usbipSockets },
    },
    {
      name: "virtual-does-not-pull-its-testing-entry",
      severity: "error",
      from: { path: "^transports/virtual/", pathNot: "^transports/virtual/testing/" },
      to: { path: "^transports/virtual/testing/" },
    },
    {
      name: "only-src-angular-knows-angular",
      severity: "error",
      from: { pathNot: "^(src/angular|test/src/angular)/" },
      to: { path: "^node_modules/@angular/" },
    },
    {
      name: "nothing-imports-src-angular",
      comment: "who wants it imports rx-isoch/angular: the model does without Angular",
      severity: "error",
      from: { pathNot: "^(src|test/src)/angular/" },
      to: { path: "^src/angular/" },
    },
    {
      name: "nothing-imports-the-cli",
      severity: "error",
      from: { pathNot: "^(src/cli|test)/" },
      to: { path: "^src/cli/" },
    },
    {
      name: "shipped-code-imports-what-it-declares",
      severity: "error",
      from: shipped,
      to: {
        dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
        dependencyTypesNot: ["npm", "npm-peer", "npm-optional"],
      },
    },
    {
      name: "no-deprecated-package",
      severity: "error",
      from: shipped,
      to: { dependencyTypes: ["deprecated"] },
    },
  ],
  options: {
    // Built, and so checked, by the compiler of Angular.
    exclude: { path: "^examples/angular/" },
    doNotFollow: { path: "^(node_modules|dist)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "default"],
    },
  },
};
