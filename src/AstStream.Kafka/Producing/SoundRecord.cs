using System.Text;
using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>A record of sound that was given to the producer.</summary>
/// <param name="audio">The record.</param>
/// <param name="taken">When it was, as a timestamp.</param>
internal sealed class SoundRecord(AudioMessage audio, long taken) : Pending(new Message<byte[], byte[]?>
{
    Key = Encoding.UTF8.GetBytes(audio.Stream),
    Value = audio.Value,
    Headers = audio.Format?.ToHeaders(),
})
{
    public AudioMessage Audio => audio;

    public long Taken => taken;

    /// <summary>Whether the spool has it too.</summary>
    public bool IsSpooled { get; set; }
}
