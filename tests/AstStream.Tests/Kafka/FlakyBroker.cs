using Confluent.Kafka;

namespace AstStream.Tests.Kafka;

/// <summary>A broker that answers as a test says, and the producers that send to it.</summary>
internal sealed class FlakyBroker
{
    private readonly Lock _lock = new();
    private readonly List<Client> _clients = [];

    /// <summary>What it has, in the order in which it came.</summary>
    public List<int> Delivered { get; } = [];

    /// <summary>How many producers were opened.</summary>
    public int Opened => _clients.Count;

    /// <summary>Whether producers have no room for more at the moment.</summary>
    public bool IsFull { get; set; }

    /// <summary>A message; a poisonous one is never taken.</summary>
    public static Message<byte[], byte[]?> Message(int number, bool isPoison) =>
        new() { Key = BitConverter.GetBytes(number), Value = isPoison ? [1] : [] };

    public IProducer<byte[], byte[]?> Open(ProducerConfig config)
    {
        var client = new Client(this, config.BatchNumMessages == 1);
        _clients.Add(client);
        return Proxy<IProducer<byte[], byte[]?>>.Make((called, arguments) =>
        {
            if (called == "Produce" && (client.IsBroken || IsFull))
                throw new ProduceException<byte[], byte[]?>(
                    client.IsBroken ? new Error(ErrorCode.Local_Fatal, "told so", isFatal: true) : new Error(ErrorCode.Local_QueueFull),
                    new DeliveryResult<byte[], byte[]?>());
            if (called == "Produce")
                client.InFlight.Add(((Message<byte[], byte[]?>)arguments[1]!, (Action<DeliveryReport<byte[], byte[]?>>)arguments[2]!));
            else if (called == "Dispose")
                client.Answer(int.MaxValue, ErrorCode.Local_PurgeInflight);
        });
    }

    /// <summary>Answers the newest producer's oldest messages.</summary>
    public void Answer(int count, ErrorCode error = ErrorCode.NoError) => _clients[^1].Answer(count, error);

    /// <summary>The same with an error after which the producer can't be used, nor answers for the rest.</summary>
    public void Break() => _clients[^1].Answer(1, ErrorCode.Local_Fatal);

    private sealed class Client(FlakyBroker broker, bool isAlone)
    {
        public bool IsBroken { get; private set; }

        public List<(Message<byte[], byte[]?> Message, Action<DeliveryReport<byte[], byte[]?>> Report)> InFlight { get; } = [];

        public void Answer(int count, ErrorCode error)
        {
            if (IsBroken && error != ErrorCode.Local_PurgeInflight)
                return; // it says nothing more
            IsBroken |= error == ErrorCode.Local_Fatal;

            // A batch is refused as a whole for one message in it.
            var isRefused = !isAlone && InFlight.Any(a => IsPoison(a.Message));
            var answered = InFlight[..Math.Min(isRefused ? int.MaxValue : count, InFlight.Count)];
            InFlight.RemoveRange(0, answered.Count);
            foreach (var (message, report) in answered)
            {
                var code = error != ErrorCode.NoError ? error : isRefused || IsPoison(message) ? ErrorCode.MsgSizeTooLarge : error;
                if (code == ErrorCode.NoError)
                {
                    lock (broker._lock)
                        broker.Delivered.Add(BitConverter.ToInt32(message.Key));
                }

                report(new DeliveryReport<byte[], byte[]?> { Error = new Error(code, "told so", code == ErrorCode.Local_Fatal) });
            }
        }

        private static bool IsPoison(Message<byte[], byte[]?> message) => message.Value is [1];
    }
}
