import type { PlaceKind } from '../../spec/place-name.js';
import { placeOf } from '../../spec/place-name.js';
import type { RemoteOptions, Remotes, Resolver } from './remotes.js';

/** Names of places on this machine (`oci:/path:tag`) go to those who know them, all others to registries. */
export function remotesByPlace(registries: Remotes, places: Readonly<Record<PlaceKind, Resolver>>): Remotes {
  return {
    resolver(options?: RemoteOptions): Resolver {
      const others = registries.resolver(options);
      const of = (name: string): Resolver => {
        const place = placeOf(name);
        return place === undefined ? others : places[place.kind];
      };
      return {
        resolve: async (name, how) => await of(name).resolve(name, how),
        referrers: async (name, how) => await of(name).referrers(name, how),
        pusher: async (name) => await of(name).pusher(name),
        authenticate: (host, signal) => others.authenticate(host, signal),
      };
    },
  };
}
