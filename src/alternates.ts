import type { AlternateSetting, ConfigurationDescriptor } from "./descriptors/model.js";
import { EndpointError } from "./errors.js";

/**
 * The alternate settings of an interface of the device `id`.
 *
 * @throws {@link EndpointError} `no-such-endpoint`
 * @internal
 */
export function alternatesOf(
  { interfaces }: ConfigurationDescriptor,
  interfaceNumber: number,
  id: string,
): readonly AlternateSetting[] {
  const found = interfaces.find(({ number }) => number === interfaceNumber);
  if (found !== undefined) return found.alternates;
  throw new EndpointError(
    "no-such-endpoint",
    `${id} has no interface ${interfaceNumber}: look at what its configuration lists`,
  );
}

/**
 * An alternate setting of an interface of the device `id`.
 *
 * @throws {@link EndpointError} `no-such-endpoint`
 * @internal
 */
export function alternateOf(
  configuration: ConfigurationDescriptor,
  interfaceNumber: number,
  alternateSetting: number,
  id: string,
): AlternateSetting {
  const alternates = alternatesOf(configuration, interfaceNumber, id);
  const found = alternates.find((each) => each.alternateSetting === alternateSetting);
  if (found !== undefined) return found;
  throw new EndpointError(
    "no-such-endpoint",
    `interface ${interfaceNumber} of ${id} has no alternate setting ${alternateSetting}: look at what its configuration lists`,
  );
}
