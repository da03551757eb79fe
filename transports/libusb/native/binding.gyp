{
  "variables": {
    # "address" or "thread": a build for the sanitizers, see test/vm/README.md.
    "sanitize%": "",
    "node_addon_api": "<!(node -p \"require('path').relative('.', require('path').dirname(require.resolve('node-addon-api/package.json')))\")"
  },
  "targets": [
    {
      "target_name": "rx_isoch",
      "sources": [
        "addon.cc",
        "buffer_pool.cc",
        "canceller.cc",
        "context.cc",
        "descriptors.cc",
        "doorbell.cc",
        "handle.cc",
        "isoch_stream.cc",
        "js_context.cc",
        "js_device.cc",
        "js_error.cc",
        "js_request_queue.cc",
        "js_stream.cc",
        "request_queue.cc"
      ],
      "include_dirs": ["<(node_addon_api)"],
      "dependencies": ["build-sources/libusb.gypi:libusb"],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
      "cflags!": ["-fno-exceptions"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"],
      "xcode_settings": {
        "GCC_ENABLE_CPP_EXCEPTIONS": "YES",
        "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
        "CLANG_CXX_LIBRARY": "libc++",
        "MACOSX_DEPLOYMENT_TARGET": "10.15",
        "OTHER_LDFLAGS": ["-framework", "CoreFoundation", "-framework", "IOKit", "-framework", "Security"]
      },
      "msvs_settings": {
        "VCCLCompilerTool": { "ExceptionHandling": 1, "AdditionalOptions": ["/std:c++17", "/EHsc"] }
      },
      "conditions": [
        # Node unloads the addon with the worker that loaded it; a thread that the system keeps may be in it still.
        ["OS=='linux'", { "ldflags": ["-Wl,-z,nodelete"] }],
        ["sanitize!=''", {
          "cflags": ["-fsanitize=<(sanitize)", "-fno-omit-frame-pointer", "-g"],
          "ldflags": ["-fsanitize=<(sanitize)"]
        }]
      ]
    }
  ]
}
