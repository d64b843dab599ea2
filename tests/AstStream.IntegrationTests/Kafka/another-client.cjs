// An unrelated client: sends two seconds of sound, waits for the events topic to tell of all of it, and prints what it reads there.
// node another-client.cjs SERVERS AUDIO_TOPIC EVENTS_TOPIC
const { Kafka, logLevel } = require('kafkajs')
const [servers, audio, events] = process.argv.slice(2)
const kafka = new Kafka({ clientId: 'another', brokers: servers.split(','), logLevel: logLevel.ERROR })

async function main() {
  const producer = kafka.producer({ idempotent: true })
  await producer.connect()
  for (let i = 0; i < 8; i++) {
    const value = Buffer.alloc(8000)
    for (let s = 0; s < 4000; s++) value.writeInt16LE(Math.round(8000 * Math.sin((i * 4000 + s) * 0.2)), 2 * s)
    const headers = { encoding: 's16le', sample_rate: '16000', first_sample: String(i * 4000), session: 'js', capture_time: new Date(1767225600000 + i * 250).toISOString() }
    await producer.send({ topic: audio, messages: [{ key: 'from-js', value, headers }] })
  }
  await producer.send({ topic: audio, messages: [{ key: 'from-js', value: null }] })
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: `another-${process.pid}-${Date.now()}`, readUncommitted: false })
  await consumer.connect()
  await consumer.subscribe({ topic: events, fromBeginning: true })
  let covered = 0
  await consumer.run({
    eachMessage: async ({ message }) => {
      const event = JSON.parse(message.value.toString())
      console.log(JSON.stringify({ key: message.key.toString(), contentType: message.headers['content-type'].toString(), event }))
      if (event.type === 'aststream.coverage.v1') covered += event.data.end_sample - event.data.start_sample
      if (covered >= 32000) setTimeout(() => consumer.disconnect().then(() => process.exit(0)), 500)
    },
  })
}

setTimeout(() => { console.error('the events do not come'); process.exit(1) }, 60000)
main().catch(e => { console.error(e.message); process.exit(1) })
