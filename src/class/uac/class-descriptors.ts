import type { AlternateSetting, RawDescriptor } from "../../descriptors/model.js";

/** bDescriptorType of class-specific descriptors (UAC 1.0, A.4; UAC 2.0, A.7). */
export const classSpecific = { interface: 0x24, endpoint: 0x25 } as const;

/** The class-specific descriptors of an alternate setting; some devices put them behind its endpoints. */
export function interfaceDescriptors({ extra, endpoints }: AlternateSetting): RawDescriptor[] {
  return [...extra, ...endpoints.flatMap((endpoint) => endpoint.extra)].filter(
    ({ type }) => type === classSpecific.interface,
  );
}
