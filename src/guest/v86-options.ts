/** Bytes of RAM. */
const MEMORY = 16 << 20;

/** For `new V86`: a machine without a BIOS that runs a multiboot image. The local APIC comes with ACPI. */
export function guestOptions(image: ArrayBuffer, commandLine: string) {
  return {
    acpi: true,
    autostart: true,
    memory_size: MEMORY,
    vga_memory_size: 1 << 20,
    multiboot: { buffer: image },
    cmdline: commandLine,
    disable_speaker: true,
    disable_keyboard: true,
    disable_mouse: true,
  };
}
