using System.IO.Enumeration;
using System.Text.Json;
using System.Threading.Channels;
using AstStream.Events.Json;

namespace AstStream.Station.Live;

/// <summary>Somebody who looks at what passes: messages as lines of JSON. One who is slow misses some, and a line says how many.</summary>
/// <param name="points">Which arrows.</param>
/// <param name="streams">Only streams whose names match, with * for anything; null for all.</param>
internal sealed class Tap(IReadOnlySet<TapPoint> points, string? streams)
{
    private const int MostWaiting = 1000; // messages

    private readonly Channel<byte[]> _lines = Channel.CreateBounded<byte[]>(
        new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private long _missed;

    /// <summary>The lines.</summary>
    public ChannelReader<byte[]> Lines => _lines.Reader;

    /// <summary>Whether a message is asked for.</summary>
    public bool Wants(TapPoint point, string stream) =>
        points.Contains(point) && (streams is null || FileSystemName.MatchesSimpleExpression(streams, stream, ignoreCase: true));

    /// <summary>A message passes. Never waits.</summary>
    /// <param name="line">The message, with the line end.</param>
    public void Pass(byte[] line)
    {
        // What was missed is said as soon as there is room again.
        if (Interlocked.Exchange(ref _missed, 0) is > 0 and var missed
            && !_lines.Writer.TryWrite(Line(json => json.WriteNumber("missed", missed))))
            Interlocked.Add(ref _missed, missed);
        if (!_lines.Writer.TryWrite(line))
            Interlocked.Increment(ref _missed);
    }

    /// <summary>An object in a line.</summary>
    public static byte[] Line(Action<Utf8JsonWriter> members) =>
    [
        .. JsonText.Bytes(json =>
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }),
        (byte)'\n',
    ];
}
