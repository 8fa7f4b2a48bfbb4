// A Lambda function in Node, as it is on AWS.
export const handler = async event => {
  const name = event.queryStringParameters?.name ?? 'world'
  return { statusCode: 200, headers: { 'Content-Type': 'text/plain' }, body: `Hello, ${name}!\n` }
}
