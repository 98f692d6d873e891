// Types of the Martlet client. The messages are described in signaling/PROTOCOL.md.

/** Why something failed: `code` does not change, `message` and `cure` are for people. */
export class MartletError extends Error {
  constructor(code: string, message: string, cure?: string);
  readonly code: string;
  readonly cure: string;
}

export type Way = "socket" | "stream";
export type State = "idle" | "connecting" | "open" | "waiting" | "closed";
export type Cause = "left" | "lost" | "kicked" | "room-closed" | "credential" | "ended";
export type Metadata = Record<string, unknown>;

export interface Participant {
  id: string;
  kind: "client" | "stream";
  role: "subscriber" | "publisher" | "moderator";
  name?: string;
  metadata: Metadata;
  presence: "here" | "away";
  tracks?: Track[];
}

export type Source = "camera" | "microphone" | "screen" | "screen-audio" | "other";

/** A track that a participant publishes. */
export interface Track {
  /** Its name. */
  track: string;
  kind: "audio" | "video";
  source: Source;
  metadata: Metadata;
  muted: boolean;
}

export interface TrackReference {
  participant: string;
  track: string;
}

export interface Snapshot {
  namespace: string;
  room: string;
  event: number;
  participants: Participant[];
}

/** A room as a participant knows it; kept true by the client. */
export class Room {
  readonly name: string;
  readonly namespace: string;
  /** Our id. */
  readonly me: string;
  readonly self: Participant | undefined;
  readonly participants: ReadonlyMap<string, Participant>;
  /** The number of the last event. */
  readonly event: number;
}

export interface ClientOptions {
  /** A token, or what gives one; asked again for each connection. */
  token?: string | (() => string | Promise<string>);
  /** The ways to try, the preferred one first. */
  ways?: Way[];
  /** Milliseconds for an answer; 15,000 when left out. */
  timeout?: number;
}

export interface JoinOptions {
  namespace?: string;
  /** Shown to the others, as the metadata are. */
  name?: string;
  metadata?: Metadata;
}

/** What the events of a client bear as their `detail`. */
export interface ClientEvents {
  state: { state: State; error: MartletError | null };
  /** In a room: after `join`, or again after the place was given up. */
  joined: Snapshot & { participant: string };
  /** Events were missed; the room is as it stands now. */
  resync: Snapshot;
  /** No longer in the room. */
  ended: { cause: Cause; reason?: string };
  /** The gateway goes away; the client connects again by itself, to the same address. At `url` is a gateway that stays. */
  migrate: { url?: string };
  /** Something that was sent without an answer could not be taken. */
  error: { code: string; message: string; cure: string };
  "participant-joined": { event: number; participant: Participant };
  "participant-left": { event: number; participant: string; cause: Cause };
  "participant-updated": { event: number; participant: Participant };
  "participant-presence": { event: number; participant: string; presence: "here" | "away" };
  "track-published": { event: number; participant: string; track: Track };
  "track-unpublished": { event: number; participant: string; track: string };
  "track-updated": { event: number; participant: string; track: Track };
  /** `text`, or `data` for a binary message. */
  message: { event: number; from: string; private: boolean; text?: string; data?: Uint8Array };
}

export class Client extends EventTarget {
  constructor(address: string | URL, options?: ClientOptions);
  readonly state: State;
  readonly way: Way;
  readonly room: Room | null;
  /** Why the state is "closed" or "waiting". */
  readonly error: MartletError | null;

  /** Connects, and keeps connected until `close`; fails only when trying again would not help. */
  connect(): Promise<void>;
  close(): void;

  join(room: string, options?: JoinOptions): Promise<Room>;
  leave(): Promise<void>;
  update(metadata: Metadata): Promise<void>;
  send(text: string, options?: { to?: string }): Promise<void>;
  sendBinary(data: ArrayBuffer | ArrayBufferView, options?: { to?: string }): void;
  kick(participant: string, reason?: string): Promise<void>;
  closeRoom(reason?: string): Promise<void>;
  snapshot(): Promise<Snapshot>;
  /** Any other request of the protocol. */
  request(message: { type: string; [member: string]: unknown }): Promise<Record<string, unknown>>;

  addEventListener<Type extends keyof ClientEvents>(
    type: Type, listener: (event: CustomEvent<ClientEvents[Type]>) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions,
  ): void;
}

export interface PublishOptions {
  /** Unlike those of our other tracks; the source when it is left out. */
  name?: string;
  source?: Source;
  /** Several sizes of a picture; on unless it is a screen. */
  simulcast?: boolean;
  /** Bits a second, of the largest size. */
  maxBitrate?: number;
  metadata?: Metadata;
}

export interface Arrival extends TrackReference {
  media: MediaStreamTrack;
}

export interface MediaEvents {
  subscribed: Arrival;
  unsubscribed: Arrival;
  /** Ids of those who speak, the loudest first. */
  speakers: string[];
  /** `lost` is a share from 0 to 1, `roundTrip` seconds. */
  quality: { level: "good" | "fair" | "poor" | "lost"; lost: number; roundTrip: number | null };
  error: MartletError;
}

/** Sound and pictures of the room that a client is in. */
export class Media extends EventTarget {
  constructor(client: Client, options?: { iceServers?: RTCIceServer[] });
  readonly published: ReadonlyMap<string, { track: MediaStreamTrack; source: Source; muted: boolean }>;
  readonly arriving: Arrival[];
  readonly connections: { sending: RTCPeerConnection | null; receiving: RTCPeerConnection | null };
  publish(track: MediaStreamTrack, options?: PublishOptions): Promise<void>;
  unpublish(name: string): Promise<void>;
  setMuted(name: string, muted: boolean): Promise<void>;
  subscribe(tracks: "all" | TrackReference[]): Promise<void>;
  unsubscribe(tracks: "all" | TrackReference[]): Promise<void>;
  chooseLayer(participant: string, track: string, choice?: { rid?: string; height?: number; off?: boolean }): Promise<void>;
  end(): void;

  addEventListener<Type extends keyof MediaEvents>(
    type: Type, listener: (event: CustomEvent<MediaEvents[Type]>) => void, options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions,
  ): void;
}

/** Opens a camera, a microphone or both; fails with a `MartletError` that says what to do. */
export function openDevices(constraints: MediaStreamConstraints): Promise<MediaStream>;
/** Opens a screen, a window or a tab. */
export function openScreen(constraints?: DisplayMediaStreamOptions): Promise<MediaStream>;
