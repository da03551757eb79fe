import type { AlternateSetting, EndpointDescriptor } from "../../descriptors/model.js";
import type { AudioFeedback } from "./model.js";

/**
 * The feedback endpoint beside an OUT endpoint: one whose usage says so (USB 2.0, 9.6.6), whatever the OUT endpoint
 * says of itself, since there are devices that call theirs synchronous and have it. Else, beside an asynchronous
 * one, that which bSynchAddress names (UAC 1.0, 4.6.1.1), or, as devices of before USB 2.0 have it, an IN endpoint
 * that keeps no time itself.
 */
export function explicitFeedback(setting: AlternateSetting, data: EndpointDescriptor): AudioFeedback | undefined {
  if (data.direction === "in") return undefined;
  const others = setting.endpoints.filter(
    ({ transferType, direction }) => transferType === "isochronous" && direction === "in",
  );
  const isAsynchronous = data.synchronizationType === "asynchronous";
  const endpoint =
    others.find(({ usageType }) => usageType === "feedback") ??
    others.find(
      ({ address, usageType, synchronizationType }) =>
        isAsynchronous && usageType === "data" && (address === data.synchAddress || synchronizationType === "none"),
    );
  return endpoint === undefined ? undefined : { type: "explicit", endpoint };
}

/** An endpoint of the function whose usage says that the audio it brings is feedback too (USB 2.0, 5.12.4.3). */
export function implicitFeedback(streaming: readonly AlternateSetting[], data: EndpointDescriptor): AudioFeedback {
  if (data.direction === "out" && data.synchronizationType === "asynchronous") {
    for (const { interfaceNumber, endpoints } of streaming) {
      const source = endpoints.find(
        ({ direction, usageType }) => direction === "in" && usageType === "implicit-feedback",
      );
      if (source !== undefined) return { type: "implicit", interfaceNumber, endpoint: source.address };
    }
  }
  return { type: "none" };
}
