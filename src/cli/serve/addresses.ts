/** A place in a network. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Takes `host`, `host:port` and `[::1]:port` apart; `undefined` for what is none of them. */
export function hostAndPort(text: string): { readonly host: string; readonly port: number | undefined } | undefined {
  const [, inBrackets, plain, digits] = /^(?:\[([0-9a-f:.%a-z]+)\]|([^\s:/[\]]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = inBrackets ?? plain;
  const port = digits === undefined ? undefined : Number(digits);
  return host === undefined || (port !== undefined && port > 65_535) ? undefined : { host, port };
}
