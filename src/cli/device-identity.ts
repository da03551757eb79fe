import type { DeviceInfo, Speed } from "../index.js";

/** Which device it is: plain data, and a part of what is printed with `--json`. */
export interface DeviceIdentity {
  readonly id: string;
  readonly vendorId: number;
  readonly productId: number;
  readonly manufacturer?: string;
  readonly product?: string;
  readonly serialNumber?: string;
  readonly speed: Speed;
}

export function identityOf({
  id,
  speed,
  descriptor,
  manufacturer,
  product,
  serialNumber,
}: Omit<DeviceInfo, "configurations">): DeviceIdentity {
  return {
    id,
    vendorId: descriptor.vendorId,
    productId: descriptor.productId,
    ...(manufacturer !== undefined && { manufacturer }),
    ...(product !== undefined && { product }),
    ...(serialNumber !== undefined && { serialNumber }),
    speed,
  };
}
