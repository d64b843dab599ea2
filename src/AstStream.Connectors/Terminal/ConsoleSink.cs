using System.Buffers;
using System.Globalization;
using System.Text;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using Spectre.Console;

namespace AstStream.Connectors.Terminal;

/// <summary>
/// Events on standard output: a live table on a terminal (what sounds now, and the last events), plain lines or JSON Lines elsewhere. Lines
/// and JSON Lines show coverage too, where it is asked for. Writing never waits for long: where nobody reads for a second, lines are
/// dropped and counted, unless the definition says that everything is to wait.
/// </summary>
public sealed class ConsoleSink : ISink
{
    private const int Rows = 16; // events in the live table
    private const int Margin = 7; // lines of the terminal that are not events

    internal static readonly Key<string> Format = Keys.Choice(
        "format", "auto (the default): a live table on a terminal, lines elsewhere. table, lines, or json for JSON Lines.", "auto", "auto",
        "table", "lines", "json");

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "console", "Shows events on standard output.", [Format], (section, options) => new Settings(section.Get(Format), options.Waits));

    private static readonly TimeSpan s_stuckAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(10);

    private readonly string _format;
    private readonly bool? _waits;
    private readonly BackgroundWriter _output;
    private readonly Dictionary<string, SoundEvent> _open = new(StringComparer.Ordinal);
    private readonly Queue<SoundEvent> _closed = new();
    private readonly ArrayBufferWriter<byte> _json = new();
    private ISinkReport? _report;
    private long _stuckAt = -1; // what had been written when it was found stuck
    private long _dropped; // lines of the writer's that are reported
    private long _count;
    private Task? _live;
    private LiveDisplayContext? _display;
    private TaskCompletionSource? _end;

    /// <summary>Makes a sink.</summary>
    /// <param name="format">auto, table, lines or json.</param>
    /// <param name="waits">Whether everything waits while nobody reads, or lines are dropped at once; null drops them after a
    /// second.</param>
    /// <param name="output">Where it writes.</param>
    internal ConsoleSink(string format, bool? waits, BackgroundWriter output)
    {
        (_waits, _output) = (waits, output);
        _format = format == "auto" ? Console.IsOutputRedirected ? "lines" : "table" : format;
    }

    /// <inheritdoc/>
    public string Description => $"standard output, {_format}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => _report = value;
    }

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        if (_format != "table")
            return;
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new TerminalOutput(_output) });
        _live = console.Live(Table()).StartAsync(async context =>
        {
            _display = context;
            started.SetResult();
            await _end.Task.ConfigureAwait(false);
        });
        if (await Task.WhenAny(started.Task, _live).ConfigureAwait(false) == _live)
            await _live.ConfigureAwait(false); // it failed before it began
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (_format == "table")
        {
            if (record is SoundEvent e)
                Remember(e);
        }
        else if (record is not SoundEvent { State: EventState.Opened })
        {
            await WriteLineAsync(_format == "json" ? Json(record) : Line(record), cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        _display?.UpdateTarget(Table());
        ReportDropped();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        while (!await _output.DrainAsync(s_stuckAfter, cancellation).ConfigureAwait(false) && _waits == true)
        {
            // As long as it takes, which is what was asked for.
        }

        ReportDropped();
        if (_output.IsClosed && _format != "table")
            throw Closed();
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
        await _output.DrainAsync(s_stuckAfter, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>h:mm:ss.ss from the stream's start.</summary>
    internal static string Time(double seconds)
    {
        var hundredths = (long)Math.Round(seconds * 100);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{hundredths / 360_000}:{hundredths / 6000 % 60:00}:{hundredths / 100 % 60:00}.{hundredths % 100:00}");
    }

    private string Json(StreamRecord record)
    {
        _json.ResetWrittenCount();
        RecordJson.Write(_json, record);
        return Encoding.UTF8.GetString(_json.WrittenSpan);
    }

    /// <summary>
    /// Onset, offset, score, label, stream; and where it is known when the stream began, the time of day (UTC) at the onset.
    /// </summary>
    private static string Line(StreamRecord record)
    {
        var (start, end, text) = record switch
        {
            SoundEvent e => (
                e.Onset, e.Offset, string.Create(CultureInfo.InvariantCulture, $"{e.Score:0.00}  {Printable.Text(e.Label),-18}")),
            CoverageInterval c => (
                FbankOptions.Seconds(c.Start), FbankOptions.Seconds(c.End),
                $"      {(c.State == CoverageState.Lost ? $"lost: {c.Reason.SnakeCase()}" : c.State.SnakeCase()),-18}"),
            _ => (0, 0, ""),
        };
        return $"{Time(start),11} {Time(end),11}  {text}  "
            + $"{Printable.Text(record.Stream.Id)}{(Day(record.Stream, start) is { } day ? "  " + day : "")}";
    }

    /// <summary>The time of day at a place in a stream; null where nobody knows when it began.</summary>
    private static string? Day(StreamIdentity stream, double seconds) => stream.TimeAt(
        seconds)?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private async ValueTask WriteLineAsync(string line, CancellationToken cancellation)
    {
        line += "\n";
        if (!_output.HasRoom(line.Length) && _waits != false && (_waits == true || _output.Written != _stuckAt))
            await WaitForRoomAsync(line.Length, cancellation).ConfigureAwait(false);
        if (_output.IsClosed)
            throw Closed();
        if (_output.TryWrite(line))
            _stuckAt = -1;
        ReportDropped();
    }

    /// <summary>Waits for room: as long as somebody reads, or as long as it takes where everything is to wait.</summary>
    private async ValueTask WaitForRoomAsync(int length, CancellationToken cancellation)
    {
        var (seen, since) = (_output.Written, TimeProvider.System.GetTimestamp());
        while (!_output.HasRoom(length) && !_output.IsClosed)
        {
            await Task.Delay(s_interval, cancellation).ConfigureAwait(false);
            if (_output.Written != seen)
                (seen, since) = (_output.Written, TimeProvider.System.GetTimestamp());
            if (_waits == true || TimeProvider.System.GetElapsedTime(since) < s_stuckAfter)
                continue;
            _stuckAt = seen;
            return;
        }
    }

    private void ReportDropped()
    {
        var dropped = _output.Dropped;
        if (dropped > _dropped)
            _report?.Drop(dropped - _dropped);
        _dropped = dropped;
    }

    private SinkException Closed() => new($"standard output: writing failed, perhaps nobody reads it any more: {_output.Failure}");

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
        // The last ones that fit: a live table that is higher than the terminal loses its head.
        var fit = Math.Clamp(AnsiConsole.Profile.Height - Margin, 1, Rows);
        List<SoundEvent> shown = [.. _closed.Concat(_open.Values.OrderBy(e => e.Onset)).TakeLast(fit)];
        var hasDays = shown.Any(e => e.Stream.StartTime is not null);
        var table = new Table { Border = TableBorder.Rounded, Title = new TableTitle($"{_count} events") };
        foreach (
            var column in (string[])[.. hasDays ? ["time (UTC)"] : Array.Empty<string>(), "onset", "offset", "label", "score", "stream"])
            table.AddColumn(new TableColumn(column).NoWrap());
        foreach (var e in shown)
        {
            var isOpen = e.State == EventState.Opened;
            var style = isOpen ? "green" : "default";
            string[] cells =
            [
                .. hasDays ? [Day(e.Stream, e.Onset) ?? ""] : Array.Empty<string>(), Time(
                    e.Onset), isOpen ? "…" : Time(e.Offset), $"[{style}]{Markup.Escape(Printable.Text(e.Label))}[/]",
                e.Score.ToString("0.00", CultureInfo.InvariantCulture), Markup.Escape(Printable.Text(e.Stream.Id)),
            ];
            table.AddRow(cells);
        }

        return table;
    }

    private sealed record Settings(string Format, bool? Waits) : SinkSettings
    {
        public override IReadOnlyList<Resource> Resources => [new Resource(ResourceKind.Single, "console")];

        public override ISink Build() => new ConsoleSink(Format, Waits, BackgroundWriter.Output);
    }
}
