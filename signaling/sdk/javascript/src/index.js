// What applications import.

export { Client } from "./client.js";
export { MartletError } from "./errors.js";
export { Media, openDevices, openScreen } from "./media.js";
export { Room } from "./room.js";
