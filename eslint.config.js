import { defineConfig, globalIgnores } from "eslint/config";
import rxjsX from "eslint-plugin-rxjs-x";
import tseslint from "typescript-eslint";

const hostGlobals = [
  "Buffer",
  "__dirname",
  "__filename",
  "clearImmediate",
  "document",
  "exports",
  "global",
  "module",
  "process",
  "require",
  "setImmediate",
  "window",
];

export default defineConfig(
  globalIgnores([
    "dist/",
    "coverage/",
    ".cache/",
    "docs/api/",
    "examples/angular/",
    "transports/libusb/native/build*/",
  ]),
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: "error",
      // IsochPipe and IsochTransfer are Observables by design.
      "rxjs-x/no-subclass": "off",
      // What catchError caught is unknown, and is passed on.
      "rxjs-x/throw-error": ["error", { allowThrowingAny: false, allowThrowingUnknown: true }],
    },
  },
  {
    // Not in src: a teardown there runs to its end whoever listens.
    files: ["operators/**/*.ts"],
    rules: { "rxjs-x/no-ignored-subscription": "error" },
  },
  {
    files: ["src/**/*.ts", "operators/**/*.ts", "transports/{replay,usbip,virtual,webusb}/**/*.ts"],
    ignores: ["src/cli/**", "operators/node/**", "transports/usbip/{serve,tcp}.ts", "transports/usbip/node/**"],
    rules: {
      "no-restricted-globals": ["error", { globals: hostGlobals, checkGlobalObject: true }],
      "no-restricted-syntax": [
        "error",
        { selector: "TSTypeReference Identifier[name=/^(Buffer|NodeJS)$/]", message: "A type of Node only." },
      ],
    },
  },
  {
    files: ["test/**/*.ts"],
    rules: {
      // Each of them fails the test by itself: as an unhandled error, or as a rejection.
      "rxjs-x/no-ignored-error": "off",
      "rxjs-x/no-ignored-default-value": "off",
    },
  },
);
