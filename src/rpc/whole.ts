import { WHOLE_SCHEMA } from '../gen/whole-schema.js';
import { plainCodecs } from './plain-codec.js';
import { createMessages, type Messages } from './messages.js';
import { Schema } from './schema.js';

/** Everything that proto/ declares: what the daemon speaks. The command-line programs take the smaller one of src/rpc/channel.ts. */
export const wholeSchema = new Schema(WHOLE_SCHEMA, plainCodecs);

/** Messages of the whole schema, for the daemon. */
export const messages: Messages = createMessages(wholeSchema);
