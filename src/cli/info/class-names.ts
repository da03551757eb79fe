/** USB classes by number (usb.org, "Defined Class Codes"), with the subclasses that stream. */
const classes: Readonly<Record<number, readonly [name: string, subclasses?: Readonly<Record<number, string>>]>> = {
  0x00: ["told by the interfaces"],
  0x01: ["audio", { 0x01: "control", 0x02: "streaming", 0x03: "MIDI streaming" }],
  0x02: ["communications"],
  0x03: ["HID"],
  0x05: ["physical"],
  0x06: ["image"],
  0x07: ["printer"],
  0x08: ["mass storage"],
  0x09: ["hub"],
  0x0a: ["communications data"],
  0x0b: ["smart card"],
  0x0d: ["content security"],
  0x0e: ["video", { 0x01: "control", 0x02: "streaming", 0x03: "interface collection" }],
  0x0f: ["personal healthcare"],
  0x10: ["audio/video"],
  0x11: ["billboard"],
  0x12: ["Type-C bridge"],
  0xdc: ["diagnostic"],
  0xe0: ["wireless controller"],
  0xef: ["miscellaneous", { 0x02: "interface association" }],
  0xfe: ["application specific"],
  0xff: ["vendor specific"],
};

/** "video streaming", "vendor specific", "class 0x42" */
export function className(classCode: number, subclass: number): string {
  const [name, subclasses] = classes[classCode] ?? [`class 0x${classCode.toString(16).padStart(2, "0")}`];
  const detail = subclasses?.[subclass];
  return detail === undefined ? name : `${name} ${detail}`;
}
