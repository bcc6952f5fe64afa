// Starts aedes for tools/interop.py: node run.mjs PORT USER PASSWORD DENIED
import { createServer } from 'node:net'
import { Aedes } from 'aedes'

const [port, user, password, denied] = process.argv.slice(2)
const broker = await Aedes.createBroker({
  authenticate (client, name, secret, done) {
    const good = name === user && String(secret) === password
    done(good ? null : Object.assign(new Error('refused'), { returnCode: 4 }), good)
  },
  authorizeSubscribe (client, subscription, done) {
    done(null, subscription.topic.startsWith(denied) ? null : subscription)
  }
})
createServer(broker.handle).listen(Number(port), '127.0.0.1')
