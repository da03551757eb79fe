export { marbleBus, type MarbleBusOptions } from "./marble-bus.js";
