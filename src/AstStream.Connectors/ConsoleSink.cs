using System.Globalization;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;
using Spectre.Console;

namespace AstStream.Connectors;

/// <summary>
/// Events on standard output: a live table on a terminal (what sounds now, and the last events), plain lines or JSON Lines
/// elsewhere. Lines and JSON Lines show coverage too, where it is asked for.
/// </summary>
public sealed class ConsoleSink : ISink
{
    private const int Rows = 16; // events in the live table
    private const int Margin = 7; // lines of the terminal that are not events

    internal static readonly Key<string> Format = Keys.Choice("format", "auto (the default): a live table on a terminal, lines elsewhere. table, lines, or json for JSON Lines.", "auto", "auto", "table", "lines", "json");

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new("console", "Shows events on standard output.", [Format], section => new ConsoleSink(section.Get(Format), StandardOutput.Open)) { IsSingle = true };

    private readonly Func<TextWriter> _openOutput;
    private readonly string _format;
    private readonly Dictionary<string, SoundEvent> _open = new(StringComparer.Ordinal);
    private readonly Queue<SoundEvent> _closed = new();
    private readonly System.Buffers.ArrayBufferWriter<byte> _json = new();
    private TextWriter _output = TextWriter.Null;
    private long _count;
    private Task? _live;
    private LiveDisplayContext? _display;
    private TaskCompletionSource? _end;

    internal ConsoleSink(string format, Func<TextWriter> openOutput)
    {
        _format = format == "auto" ? Console.IsOutputRedirected ? "lines" : "table" : format;
        _openOutput = openOutput;
    }

    /// <inheritdoc/>
    public string Description => $"standard output, {_format}";

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        if (_format != "table")
        {
            _output = _openOutput();
            return;
        }

        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _live = AnsiConsole.Live(Table()).StartAsync(async context =>
        {
            _display = context;
            started.SetResult();
            await _end.Task.ConfigureAwait(false);
        });
        if (await Task.WhenAny(started.Task, _live).ConfigureAwait(false) == _live)
            await _live.ConfigureAwait(false); // it failed before it began
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (_format == "table")
        {
            if (record is SoundEvent e)
                Remember(e);
        }
        else if (record is not SoundEvent { State: EventState.Opened })
        {
            WriteLine(_format == "json" ? Json(record) : Line(record));
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (_display is { } display)
        {
            display.UpdateTarget(Table());
            return ValueTask.CompletedTask;
        }

        try
        {
            _output.Flush();
        }
        catch (IOException e)
        {
            throw Closed(e);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_live is null)
            return;
        _display?.UpdateTarget(Table());
        _end!.TrySetResult();
        await _live.ConfigureAwait(false);
        _live = null;
    }

    /// <summary>h:mm:ss.ss from the stream's start.</summary>
    internal static string Time(double seconds)
    {
        var hundredths = (long)Math.Round(seconds * 100);
        return string.Create(CultureInfo.InvariantCulture, $"{hundredths / 360_000}:{hundredths / 6000 % 60:00}:{hundredths / 100 % 60:00}.{hundredths % 100:00}");
    }

    private string Json(StreamRecord record)
    {
        _json.ResetWrittenCount();
        RecordJson.Write(_json, record);
        return System.Text.Encoding.UTF8.GetString(_json.WrittenSpan);
    }

    private static string Line(StreamRecord record)
    {
        var (start, end, text) = record switch
        {
            SoundEvent e => (e.Onset, e.Offset, string.Create(CultureInfo.InvariantCulture, $"{e.Score:0.00}  {e.Label,-18}")),
            CoverageInterval c => (FbankOptions.Seconds(c.Start), FbankOptions.Seconds(c.End), $"      {(c.State == CoverageState.Lost ? $"lost: {c.Reason.SnakeCase()}" : c.State.SnakeCase()),-18}"),
            _ => (0, 0, ""),
        };
        return $"{Time(start),11} {Time(end),11}  {text}  {Printable.Text(record.Stream.Id)}";
    }

    private void WriteLine(string line)
    {
        try
        {
            _output.WriteLine(line);
        }
        catch (IOException e)
        {
            throw Closed(e);
        }
    }

    private static SinkException Closed(IOException e) => new($"standard output: writing failed, perhaps nobody reads it any more: {e.Message}");

    private void Remember(SoundEvent e)
    {
        if (e.State == EventState.Opened)
        {
            _open[e.Id] = e;
            return;
        }

        _open.Remove(e.Id);
        _closed.Enqueue(e);
        _count++;
        if (_closed.Count > Rows)
            _closed.Dequeue();
    }

    private Table Table()
    {
        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle($"{_count} events") };
        foreach (var column in (string[])["onset", "offset", "label", "score", "stream"])
            table.AddColumn(new TableColumn(column).NoWrap());

        // The last ones that fit: a live table that is higher than the terminal loses its head.
        var fit = Math.Clamp(AnsiConsole.Profile.Height - Margin, 1, Rows);
        foreach (var e in _closed.Concat(_open.Values.OrderBy(e => e.Onset)).TakeLast(fit))
        {
            var isOpen = e.State == EventState.Opened;
            AddRow(table, e, isOpen ? "…" : Time(e.Offset), isOpen ? "green" : "default");
        }

        return table;
    }

    private static void AddRow(Table table, SoundEvent e, string offset, string style) => table.AddRow(
        new Markup(Time(e.Onset)), new Markup(offset), new Markup($"[{style}]{Markup.Escape(e.Label)}[/]"), new Markup(e.Score.ToString("0.00", CultureInfo.InvariantCulture)), new Markup(Markup.Escape(Printable.Text(e.Stream.Id))));
}
