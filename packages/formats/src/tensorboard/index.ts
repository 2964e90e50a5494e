// TensorBoard's event files.
export {
  type EventFileOptions,
  type EventValue,
  eventFileName,
  eventFileStart,
  formatEvent,
  type TrainingEvent,
} from './events.ts';
