import { DESCRIPTORS } from '../gen/descriptors.js';
import type { Incoming, Outgoing, ServiceImplementation } from '../rpc/handlers.js';
import { DescriptorIndex } from './descriptor-index.js';

type Request = Incoming<'grpc.reflection.v1.ServerReflectionRequest'>;
type Response = Outgoing<'grpc.reflection.v1.ServerReflectionResponse'>;

/** google.rpc.Code */
const NOT_FOUND = 5;
const INVALID_ARGUMENT = 3;

/**
 * grpc.reflection.v1 and v1alpha, which are the same but for the name: what grpcurl and the like ask first.
 *
 * @param services Full names of the services that are served.
 */
export function createReflectionService(
  services: readonly string[],
): ServiceImplementation<'grpc.reflection.v1.ServerReflection'> &
  ServiceImplementation<'grpc.reflection.v1alpha.ServerReflection'> {
  let index: DescriptorIndex | undefined;
  return {
    async *serverReflectionInfo(requests) {
      for await (const request of requests) {
        index ??= new DescriptorIndex(Buffer.from(DESCRIPTORS, 'base64'));
        yield { valid_host: request.host, original_request: request, ...answer(request, index, services) };
      }
    },
  };
}

function answer(request: Request, index: DescriptorIndex, services: readonly string[]): Response {
  switch (request.message_request) {
    case 'list_services':
      return { list_services_response: { service: services.map((name) => ({ name })) } };
    case 'file_by_filename':
      return files(index.file(request.file_by_filename ?? ''), request.file_by_filename);
    case 'file_containing_symbol':
      return files(index.fileOfSymbol(request.file_containing_symbol ?? ''), request.file_containing_symbol);
    case 'file_containing_extension':
      return fileOfExtension(request, index);
    case 'all_extension_numbers_of_type':
      return extensionNumbers(request.all_extension_numbers_of_type ?? '', index);
    default:
      return failure(INVALID_ARGUMENT, 'the request asks for nothing');
  }
}

function fileOfExtension(request: Request, index: DescriptorIndex): Response {
  const { containing_type: type, extension_number: number } = request.file_containing_extension ?? {
    containing_type: '',
    extension_number: 0,
  };
  return files(index.fileOfExtension(type, number), `${type} [${number}]`);
}

function extensionNumbers(type: string, index: DescriptorIndex): Response {
  const numbers = index.extensionNumbers(type);
  if (!numbers) return failure(NOT_FOUND, `${type}: not found`);
  return { all_extension_numbers_response: { base_type_name: type, extension_number: [...numbers] } };
}

function files(found: readonly Buffer[] | undefined, what = ''): Response {
  if (!found) return failure(NOT_FOUND, `${what}: not found`);
  return { file_descriptor_response: { file_descriptor_proto: [...found] } };
}

function failure(code: number, message: string): Response {
  return { error_response: { error_code: code, error_message: message } };
}
