// Runs a Lambda handler: asks Weir's Runtime API for events and posts what the handler answers.
//
// AWS's own client, aws-lambda-ric, is used where the function's folder, or Node's global folder, has it. Otherwise this
// one, which needs nothing but Node itself, does what Lambda's Node runtime does: CommonJS and ES modules, async handlers
// and those with a callback, streamed answers, the same context object, the same errors.
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { createRequire } from 'node:module'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'

const ROOT = process.env.LAMBDA_TASK_ROOT
const [HOST, PORT] = process.env.AWS_LAMBDA_RUNTIME_API.split(':')
const API = '/2018-06-01/runtime/'
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming')
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')
const PRELUDE = 'application/vnd.awslambda.http-integration-response'

class CannotBegin extends Error {
  constructor (kind, message) {
    super(message)
    this.name = kind
  }
}

function begin (method, where, headers, done, failed) {
  const request = http.request({ host: HOST, port: Number(PORT), path: API + where, method, agent, headers }, answer => {
    const pieces = []
    answer.on('data', piece => pieces.push(piece))
    answer.on('end', () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces) }))
    answer.on('error', failed)
  })
  request.setNoDelay(true)
  request.on('error', failed)
  return request
}

function exchange (method, where, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body ?? '')
    begin(method, where, { ...headers, 'content-length': bytes.length }, resolve, reject).end(bytes)
  })
}

// An error as Lambda shows it. Anything can be thrown.
function told (error) {
  if (error instanceof Error || (error && typeof error === 'object' && 'message' in error)) {
    return {
      errorType: String(error.name ?? 'Error'),
      errorMessage: String(error.message ?? ''),
      trace: String(error.stack ?? '').split('\n')
    }
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] }
}

function log (id, what, error) {
  const extra = error && typeof error === 'object' ? { ...error } : {}
  const line = { errorType: what.errorType, errorMessage: what.errorMessage, ...extra, stack: what.trace }
  let text
  try { text = JSON.stringify(line) } catch { text = JSON.stringify(what) }
  console.error(`${new Date().toISOString()}\t${id}\tERROR\tInvoke Error \t${text}`)
}

function errorHeaders (what) {
  return {
    'content-type': 'application/json',
    'lambda-runtime-function-error-type': what.errorType.replace(/[^\x20-\x7e]/g, '?')
  }
}

// ---- streamed answers: awslambda.streamifyResponse and HttpResponseStream.from, as Lambda's runtime offers them

class HttpResponseStream {
  static from (stream, prelude) {
    stream.setContentType(PRELUDE)
    stream._onBeforeFirstWrite = write => {
      write(JSON.stringify(prelude))
      write(Buffer.alloc(8))
    }
    return stream
  }
}

globalThis.awslambda = {
  streamifyResponse: (handler, options) => {
    handler[STREAMING] = 'response'
    if (options?.highWaterMark !== undefined) handler[HIGH_WATER_MARK] = parseInt(options.highWaterMark)
    return handler
  },
  HttpResponseStream
}

class ResponseStream extends Writable {
  constructor (id, highWaterMark) {
    super({ highWaterMark: highWaterMark || 65536 })
    this.contentType = 'application/octet-stream'
    this.id = id
    this.posted = new Promise((resolve, reject) => { this.settle = { resolve, reject } })
    this.posted.catch(() => {})
  }

  setContentType (type) {
    if (this.request) throw new Error('the content type of a stream is set before its first write')
    this.contentType = type
  }

  open () {
    if (this.request) return
    this.request = begin('POST', `invocation/${this.id}/response`, {
      'lambda-runtime-function-response-mode': 'streaming',
      'transfer-encoding': 'chunked',
      'content-type': this.contentType,
      trailer: 'Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body'
    }, this.settle.resolve, this.settle.reject)
    this._onBeforeFirstWrite?.(bytes => this.request.write(bytes))
  }

  _write (piece, encoding, done) {
    this.open()
    if (this.request.write(piece, encoding)) return done()
    this.request.once('drain', done)
  }

  _final (done) {
    this.open()
    this.request.end()
    done()
  }

  fail (what) {
    this.request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': errorHeaders(what)['lambda-runtime-function-error-type'],
      'Lambda-Runtime-Function-Error-Body': Buffer.from(JSON.stringify(what)).toString('base64')
    })
    this.request.end()
  }
}

// ---- the handler

function moduleFile (base) {
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const file = base + extension
    if (existsSync(file) && (extension || path.extname(base))) return file
  }
}

async function load (name) {
  const file = path.basename(name)
  const dot = file.indexOf('.')
  if (name.includes('..') || dot < 1 || dot === file.length - 1) {
    throw new CannotBegin('Runtime.MalformedHandlerName', `Bad handler '${name}': it is to be like app.handler or dir/app.handler`)
  }
  const [moduleName, ...parts] = [file.slice(0, dot), ...file.slice(dot + 1).split('.')]
  const base = path.resolve(ROOT, path.dirname(name), moduleName)
  let found = moduleFile(base)
  if (!found) {
    try { found = createRequire(path.join(ROOT, 'x')).resolve(base) } catch {
      throw new CannotBegin('Runtime.ImportModuleError', `Error: Cannot find module '${moduleName}'`)
    }
  }
  let module
  try {
    module = await import(pathToFileURL(found).href)
  } catch (error) {
    if (error instanceof SyntaxError) throw Object.assign(new CannotBegin('Runtime.UserCodeSyntaxError', String(error)), { stack: error.stack })
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw Object.assign(new CannotBegin('Runtime.ImportModuleError', String(error)), { stack: error.stack })
    }
    throw error
  }
  const of = from => parts.reduce((value, part) => value?.[part], from)
  const handler = of(module) ?? of(module.default)
  if (handler === undefined) throw new CannotBegin('Runtime.HandlerNotFound', `${name} is undefined or not exported`)
  if (typeof handler !== 'function') throw new CannotBegin('Runtime.HandlerNotFound', `${name} is not a function`)
  return handler
}

function contextOf (headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => Math.max(deadline - Date.now(), 0)
  }
  const client = headers['lambda-runtime-client-context']
  if (client) context.clientContext = JSON.parse(client)
  return context
}

// What the handler answers, by its promise or by its callback, whichever comes first.
function run (handler, event, context) {
  return new Promise((resolve, reject) => {
    // With a callback, Lambda answers when nothing is left to do, unless the handler says not to wait for that.
    const callback = (error, value) => {
      const settle = () => error !== undefined && error !== null ? reject(error) : resolve(value)
      if (context.callbackWaitsForEmptyEventLoop) idle = settle
      else settle()
    }
    context.done = callback
    context.succeed = value => { context.callbackWaitsForEmptyEventLoop = false; callback(null, value) }
    context.fail = error => { context.callbackWaitsForEmptyEventLoop = false; callback(error ?? 'handled') }
    const result = handler(event, context, callback)
    if (typeof result?.then === 'function') result.then(resolve, reject)
    // What a handler returns that is no promise is no answer, on Lambda neither.
    else idle ??= () => resolve(null)
  })
}

// What is to be done when the event loop has nothing left, set by an invocation that waits for that.
let idle
process.on('beforeExit', () => {
  const now = idle
  idle = undefined
  now?.()
})

let current
function crash (kind, error) {
  const what = told(error)
  if (kind) what.errorType = kind
  log(current ?? 'undefined', what, error)
  const where = current ? `invocation/${current}/error` : 'init/error'
  exchange('POST', where, JSON.stringify(what), errorHeaders(what)).catch(() => {}).finally(() => process.exit(1))
  setTimeout(() => process.exit(1), 1000)
}
process.on('uncaughtException', error => crash(undefined, error))
process.on('unhandledRejection', error => crash('Runtime.UnhandledPromiseRejection', error))

async function stream (handler, event, context, id) {
  const out = new ResponseStream(id, handler[HIGH_WATER_MARK])
  let failed
  const broken = new Promise((resolve, reject) => out.once('error', reject))
  try {
    await Promise.race([handler(event, out, context), broken])
    if (!out.writableFinished) {
      // A handler that pipes into the stream and does not wait has answered when the stream has ended.
      await Promise.race([new Promise(resolve => out.once('finish', resolve)), broken])
    }
  } catch (error) {
    failed = told(error)
    log(id, failed, error)
  }
  if (failed && !out.request) return exchange('POST', `invocation/${id}/error`, JSON.stringify(failed), errorHeaders(failed))
  if (failed) out.fail(failed)
  return out.posted
}

async function serve (handler) {
  for (;;) {
    const { status, headers, body } = await exchange('GET', 'invocation/next')
    if (status !== 200) throw new Error(`the Runtime API answered ${status} to the question for an event`)
    const id = current = headers['lambda-runtime-aws-request-id']
    idle = undefined
    process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? ''
    let answer
    try {
      const [event, context] = [JSON.parse(body), contextOf(headers)]
      if (handler[STREAMING]) {
        await stream(handler, event, context, id)
        current = undefined
        continue
      }
      answer = JSON.stringify(await run(handler, event, context)) ?? 'null'
    } catch (error) {
      const what = told(error)
      log(id, what, error)
      await exchange('POST', `invocation/${id}/error`, JSON.stringify(what), errorHeaders(what))
      current = undefined
      continue
    }
    // A refusal of an answer that is too large may cut the connection before it is read.
    await exchange('POST', `invocation/${id}/response`, answer, { 'content-type': 'application/json' }).catch(error => {
      if (answer.length < 1024 * 1024) throw error
    })
    current = undefined
  }
}

// ---- AWS's client, where there is one

function awsClient () {
  const global = path.resolve(path.dirname(process.execPath), '..', 'lib', 'node_modules')
  const places = [path.join(ROOT, 'node_modules'), ...(process.env.NODE_PATH ?? '').split(':').filter(Boolean), global]
  for (const place of places) {
    const folder = path.join(place, 'aws-lambda-ric')
    if (!existsSync(path.join(folder, 'package.json'))) continue
    const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json')))
    const file = typeof bin === 'string' ? bin : bin?.['aws-lambda-ric']
    if (file) return path.join(folder, file)
  }
}

const name = process.argv[2] ?? ''
const ric = awsClient()
if (ric) {
  process.removeAllListeners('uncaughtException')
  process.removeAllListeners('unhandledRejection')
  process.removeAllListeners('beforeExit')
  process.argv = [process.argv[0], ric, name]
  await import(pathToFileURL(ric).href)
} else {
  let handler
  try {
    handler = await load(name)
  } catch (error) {
    const what = told(error)
    log('undefined', what, error)
    await exchange('POST', 'init/error', JSON.stringify(what), errorHeaders(what)).catch(() => {})
    process.exit(1)
  }
  serve(handler).catch(error => {
    console.error(String(error))
    process.exit(1)
  })
}
