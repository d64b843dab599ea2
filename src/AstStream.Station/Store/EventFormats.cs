using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Store;

/// <summary>Writes the events of a store in the forms that other programs read.</summary>
public static class EventFormats
{
    /// <summary>
    /// Comma-separated values with a line of names. A text that a spreadsheet would take for a formula begins with an apostrophe.
    /// </summary>
    public static void Csv(IEnumerable<StoredEvent> events, TextWriter output)
    {
        output.Write("id,time,stream,label,onset,offset,score,mean_score,state,source,model,verdict,reviewed_label,reviewed_by\n");
        foreach (var (e, time, isTimeKnown, review) in events)
        {
            string[] cells =
            [
                Quoted(e.Id), isTimeKnown ? time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture) : "",
                Quoted(e.Stream.Id), Quoted(e.Label), Seconds(e.Onset), Seconds(e.Offset), Score(e.Score), Score(e.MeanScore),
                e.State.SnakeCase(), Quoted(e.Stream.Source), Quoted(e.Model), review?.Verdict.SnakeCase() ?? "",
                Quoted(review?.Label ?? ""), Quoted(review?.By ?? ""),
            ];
            output.Write(string.Join(',', cells) + "\n");
        }
    }

    /// <summary>The object that sinks publish, one a line.</summary>
    public static void Json(IEnumerable<StoredEvent> events, TextWriter output)
    {
        using var buffer = new MemoryStream();
        foreach (var e in events.Select(s => s.Event))
        {
            buffer.SetLength(0);
            using (var json = new Utf8JsonWriter(buffer, JsonText.Options))
                RecordJson.Write(json, e);
            output.Write(Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
        }
    }

    /// <summary>A selection table of Raven's; streams are its files.</summary>
    /// <param name="events">The events.</param>
    /// <param name="output">Gets the table.</param>
    /// <param name="first">The number of the first selection.</param>
    public static void Raven(IEnumerable<StoredEvent> events, TextWriter output, int first = 1)
    {
        output.Write("Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin File\tLabel\tScore\n");
        foreach (var (i, stored) in events.Index())
        {
            var e = stored.Event;
            output.Write(FormattableString.Invariant(
                $"{first + i}\tSpectrogram 1\t1\t{Seconds(e.Onset)}\t{Seconds(e.Offset)}\t0\t8000\t{Cell(Path.GetFileName(e.Stream.Id))}\t")
                    + $"{Cell(stored.Label)}\t{Score(e.Score)}\n");
        }

    }

    /// <summary>A label track of Audacity's, of one stream.</summary>
    public static void Audacity(IEnumerable<StoredEvent> events, TextWriter output)
    {
        foreach (var stored in events)
            output.Write($"{Seconds(stored.Event.Onset)}\t{Seconds(stored.Event.Offset)}\t{Cell(stored.Label)}\n");
    }

    private static string Seconds(double seconds) => seconds.ToString("0.####", CultureInfo.InvariantCulture);

    private static string Score(float score) => score.ToString("0.####", CultureInfo.InvariantCulture);

    /// <summary>A cell between tabs.</summary>
    private static string Cell(string text) => Printable.Text(text).Replace('\t', ' ');

    /// <summary>A cell between commas.</summary>
    private static string Quoted(string text)
    {
        text = Printable.Text(text);
        if (text is ['=' or '+' or '-' or '@', ..])
            text = "'" + text;
        return text.AsSpan().ContainsAny(",\"\r\n") ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
    }
}
