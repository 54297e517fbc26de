/** PCI Express: device capabilities and control, by which a function resets (PCIe 7.5.3.3, 7.5.3.4). */
export const DEVICE_CAPABILITIES = 4;
export const FUNCTION_LEVEL_RESET = 1 << 28;
export const DEVICE_CONTROL = 8;
export const INITIATE_RESET = 1 << 15;

/** Power management: control and status, its power state, and that leaving D3hot loses nothing (PCI PM 1.2, 3.2.4). */
export const PMCSR = 4;
export const POWER_STATE = 3;
export const D3HOT = 3;
export const NO_SOFT_RESET = 1 << 3;
