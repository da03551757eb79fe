/** The link types that hold what usbmon tells (tcpdump.org, "Link-layer header types"): with 48 and with 64 bytes of header. */
export const linkTypes = { usbLinux: 189, usbLinuxMmapped: 220 } as const;

/** Block types of pcapng (draft-ietf-opsawg-pcapng, 11.1). */
export const blockTypes = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  /** Obsolete, and still met. */
  packet: 2,
  simplePacket: 3,
  enhancedPacket: 6,
} as const;

/** Option codes of pcapng (draft-ietf-opsawg-pcapng, 3.5, 4.1 and 4.2). */
export const optionCodes = { end: 0, comment: 1, application: 4, timestampResolution: 9, timestampOffset: 14 } as const;

/** Byte-Order Magic of a section header. */
export const byteOrderMagic = 0x1a2b3c4d;
