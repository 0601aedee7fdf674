/**
 * What is used of undici. Its main module makes the same of these parts, and loads fetch, caches and web sockets besides: two thirds of the
 * time, half of the memory.
 */
import methods from 'undici/lib/api/index.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

Object.assign(Dispatcher.prototype, methods);

export { Agent, ProxyAgent };
