export function wayOfAnAccess(): string;
