import { EndpointError, isochEndpoints, type DeviceInfo, type EndpointSelector } from "../index.js";
import { hexAddress } from "../endpoint.js";
import { counterProtocol } from "../../transports/virtual/index.js";
import { nameOf } from "./names.js";
import type { EndpointChoice } from "./target.js";
import { isCamera } from "./video/choose-picture.js";

/** Whether a device speaks the protocol of the counter device. */
export function isCounterDevice({ descriptor }: DeviceInfo): boolean {
  return descriptor.vendorId === counterProtocol.vendorId && descriptor.productId === counterProtocol.productId;
}

/** Whether the pictures of a camera are meant, and not one of its endpoints. */
export function meansCamera(
  { configurations }: DeviceInfo,
  { endpoint, alternate, direction }: EndpointChoice,
): boolean {
  return (
    endpoint === undefined &&
    alternate === undefined &&
    direction !== "out" &&
    configurations.slice(0, 1).some(isCamera)
  );
}

/**
 * The endpoint that is meant, or else the first that will do.
 *
 * @throws EndpointError `no-such-endpoint` for a device that has none; `wrong-direction`
 */
export function chooseEndpoint(
  info: DeviceInfo,
  { endpoint, alternate, direction }: EndpointChoice,
): Pick<EndpointSelector, "endpoint" | "alternate"> {
  if (endpoint === undefined) return { endpoint: firstEndpoint(info, direction), alternate };
  if (direction === undefined || (direction === "in") === endpoint >= 0x80) return { endpoint, alternate };
  const verb =
    direction === "in"
      ? "captured from: that takes an IN endpoint, such as 0x81"
      : "played to: that takes an OUT endpoint, such as 0x01";
  throw new EndpointError("wrong-direction", `${hexAddress(endpoint)} cannot be ${verb}`);
}

function firstEndpoint(info: DeviceInfo, direction: EndpointChoice["direction"]): number {
  const all = info.configurations.flatMap(isochEndpoints).map(({ endpoint }) => endpoint);
  const fitting = direction === undefined ? all : all.filter((each) => each.direction === direction);
  const carriers = fitting.filter(({ usageType }) => usageType !== "feedback");
  const first = carriers.find((each) => each.direction === "in") ?? carriers[0] ?? fitting[0];
  if (first !== undefined) return first.address;
  const which = direction === undefined ? "isochronous" : `isochronous ${direction.toUpperCase()}`;
  throw new EndpointError(
    "no-such-endpoint",
    `${nameOf({ info })} (${info.id}) has no ${which} endpoints: the command list shows what has`,
  );
}
