using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>What aststream top shows: a line a stream, and a line for each thing that is wrong.</summary>
/// <param name="address">The station.</param>
internal sealed class TopView(string address)
{
    private const int Cells = 20; // of a level
    private const double Floor = -80; // dBFS
    private const int MostHeard = 3;

    private string? _lost;

    /// <summary>The table of one look.</summary>
    public Table Of(StationLook seen)
    {
        var (health, streams) = (seen.Health, seen.Streams);
        var table = new Table().Border(TableBorder.Simple).AddColumns("stream", "state", "level", "hears");
        foreach (var stream in streams.GetProperty("streams").EnumerateArray())
        {
            table.AddRow(
                Terminal.Cell(Text(stream, "name")), Terminal.Cell(Text(stream, "state")), Terminal.Cell(Level(stream)),
                Terminal.Cell(string.Join(", ", stream.GetProperty("hears").EnumerateArray().Take(MostHeard).Select(Heard))));
        }

        var shown = streams.GetProperty("streams").GetArrayLength();
        var total = streams.GetProperty("total").GetInt32();
        if (total > shown)
            table.AddRow($"and {total - shown} more", "", "", "");
        var lines = health.GetProperty("troubles").EnumerateArray().Select(t => t.GetString()!).Prepend(Summary(seen));
        if (_lost is { } lost)
            lines = lines.Prepend(lost);
        return table.Caption(string.Join('\n', lines.Select(Terminal.Cell)), Style.Plain);
    }

    /// <summary>Shows it anew, again and again; where the station is gone for a while, what was seen last stays.</summary>
    public async Task FollowAsync(Func<Task<StationLook>> look, TimeSpan between, CancellationToken stop)
    {
        var seen = await look().ConfigureAwait(false);
        await AnsiConsole.Live(Of(seen)).StartAsync(async live =>
        {
            while (true)
            {
                await Task.Delay(between, stop).ConfigureAwait(false);
                try
                {
                    seen = await look().ConfigureAwait(false);
                    _lost = null;
                }
                catch (IOException e)
                {
                    _lost = e.Message;
                }

                live.UpdateTarget(Of(seen));
            }
        }).ConfigureAwait(false);
    }

    private string Summary(StationLook seen)
    {
        var health = seen.Health;
        var (audio, elapsed) = (health.GetProperty("audio_seconds").GetDouble(), health.GetProperty("elapsed_seconds").GetDouble());
        var waiting = health.GetProperty("queues").EnumerateArray().Sum(q => q.GetProperty("depth").GetInt32());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{address}  {Text(health, "version")}  up {TimeSpan.FromSeconds((long)elapsed):c}, {audio:0} s of sound, "
                + $"{health.GetProperty("windows").GetInt64()} windows, {waiting} waiting"
                + $"{(seen.EventLatency is { } latency ? $", events {latency:0.00} s after their sound" : "")}");
    }

    private static string Level(JsonElement stream)
    {
        if (!stream.TryGetProperty("level_dbfs", out var level))
            return "";
        var cells = (int)Math.Round(Math.Clamp((level.GetDouble() - Floor) / -Floor, 0, 1) * Cells);
        return string.Create(CultureInfo.InvariantCulture, $"{new string('█', cells),-Cells} {level.GetDouble(),6:0.0}");
    }

    private static string Heard(JsonElement heard) => string.Create(
        CultureInfo.InvariantCulture, $"{Text(heard, "label")} {heard.GetProperty("score").GetDouble():0.00}");

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";
}
