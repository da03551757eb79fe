import { Option } from "commander";
import { collect, deviceHelp, deviceName, listeningAddress, tokenFileOption, tokenOption } from "../options.js";
import { transportOf, tokenOf } from "../source.js";
import type { HostAndPort } from "../serve/addresses.js";
import { serveDevices } from "../serve/serve-devices.js";
import { defaultVirtualKind, virtualHelp, virtualKinds, type VirtualKind } from "../virtual-devices.js";
import type { DefineCommand } from "./command.js";

interface Arguments {
  readonly virtual?: VirtualKind;
  readonly tcp?: HostAndPort | false;
  readonly allowWithoutToken?: boolean;
  readonly websocket?: HostAndPort | false;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly origin?: readonly string[];
  readonly json?: boolean;
}

/** `rx-isoch serve` */
export const serveCommand: DefineCommand = (program, done) => {
  const command = program.command("serve");
  command
    .argument("[devices...]", `each as ${deviceHelp}`, (name: string, before: readonly string[] | undefined) => [
      ...(before ?? []),
      deviceName(name),
    ])
    .description(
      "be a bridge: give devices to other programs, over USB/IP and WebSocket.\n" +
        "Without a device, that is the counter device on a virtual bus. By default, only\n" +
        "this machine can reach it, and no page in a browser.",
    )
    .summary("be a bridge: give devices to other programs")
    .addOption(new Option("--virtual <kind>", virtualHelp).choices(virtualKinds))
    .addOption(
      new Option("--tcp <address>", "port, or host:port, for USB/IP (default: 127.0.0.1:3240)").argParser(
        listeningAddress,
      ),
    )
    .option("--no-tcp", "do not listen for USB/IP")
    .option("--allow-without-token", "let clients of USB/IP in that know no token, such as Linux'")
    .addOption(
      new Option("--websocket <address>", "port, or host:port, for WebSockets\n(default: 127.0.0.1:3241)").argParser(
        listeningAddress,
      ),
    )
    .option("--no-websocket", "do not listen for WebSockets")
    .addOption(tokenOption("that clients must have"))
    .addOption(tokenFileOption())
    .option("--origin <origin>", "of a page that may connect: http://localhost:4200;\ncan be repeated", collect)
    .option("--json", "print an event a line, as JSON")
    .addHelpText(
      "after",
      "\nWhere others can reach it, a bridge takes a token. That can be read on the way:\nhave TLS around it where others than you are on the network.",
    )
    .action(async (names: readonly string[], options: Arguments) => {
      const { virtual, tcp, websocket, allowWithoutToken, origin, json = false } = options;
      if (virtual !== undefined && names.length > 0) {
        command.error("error: option '--virtual <kind>' is for the virtual device, and another one is asked for");
      }
      const token = await tokenOf(options);
      const transport = await transportOf(names.length === 0 ? { virtual: virtual ?? defaultVirtualKind } : {});
      done(
        await serveDevices(transport, names, {
          tcp: tcp === false ? false : { ...tcp, ...(allowWithoutToken === true ? { allowWithoutToken } : { token }) },
          webSocket: websocket === false ? false : { ...websocket, token, origins: origin },
          json,
        }),
      );
    });
};
