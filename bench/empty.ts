// What importing nothing takes.
export {};
