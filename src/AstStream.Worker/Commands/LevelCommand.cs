using System.CommandLine;
using System.Globalization;
using AstStream.Dsp.Levels;
using AstStream.Station.Store;
using AstStream.Streaming.Definitions;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>levels: how loud streams were, by minute.</summary>
internal static class LevelCommand
{
    private const int MostShown = 60;
    private const int AtOnce = 10_000; // minutes that are read at a time

    public static Command Make()
    {
        var store = StoreCommands.Store();
        var stream = new Option<string?>("--stream") { Description = "The stream; may be left out where there is one.", HelpName = "NAME" };
        var (since, until) = (StoreCommands.Since(), StoreCommands.Until());
        var csv = new Option<bool>("--csv") { Description = "Comma-separated values, with the one-third-octave bands." };
        var command = Help.Add(
            new Command("levels", "Shows how loud a stream was, by minute.") { store, stream, since, until, csv }, $"""
            LAeq, LCpeak and, with time weighting F, LA10 and LA90; in dB SPL where the source has a calibration, else in dBFS.
            A station measures them (station.levels).

            Examples:
              aststream levels {StoreCommands.DefaultStore} --stream yard --since 1h
              aststream levels {StoreCommands.DefaultStore} --since 2026-11-26 --until 2026-11-27 --csv > day.csv

            {ExitCode.Help}
            """);
        command.SetAction(result => StoreCommands.Guarded(() =>
        {
            using var reader = StoreReader.Open(result.GetValue(store)!);
            var name = result.GetValue(stream) ?? Only(reader);
            if (reader.Streams() is var known && !known.Contains(name))
                throw new StoreException($"the store knows no stream '{name}'{Nearest.Hint(name, [.. known])}");
            var from = StoreCommands.Time(result.GetValue(since)) ?? DateTimeOffset.UnixEpoch;
            var to = StoreCommands.Time(result.GetValue(until)) ?? DateTimeOffset.MaxValue.AddDays(-1);
            if (result.GetValue(csv))
                WriteCsv(Minutes(reader, name, from, to));
            else
                ShowTable([.. Minutes(reader, name, from, to).TakeLast(MostShown)]);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static string Only(StoreReader reader) => reader.Streams() switch
    {
        [var one] => one,
        [] => throw new StoreException("the store knows no stream yet"),
        var many => throw new StoreException($"the store knows {many.Count} streams, such as '{many[0]}'; expected --stream NAME"),
    };

    private static IEnumerable<StoredMinute> Minutes(StoreReader reader, string stream, DateTimeOffset since, DateTimeOffset until)
    {
        while (true)
        {
            var minutes = reader.Levels(stream, since, until, AtOnce);
            foreach (var minute in minutes)
                yield return minute;
            if (minutes.Count < AtOnce)
                yield break;
            since = minutes[^1].Minute.AddTicks(1);
        }
    }

    private static void ShowTable(IReadOnlyList<StoredMinute> minutes)
    {
        if (minutes.Count == 0)
        {
            Errors.Note("the store has no levels as asked for; a station measures them (station.levels)");
            return;
        }

        var table = new Table { Border = TableBorder.Rounded }.AddColumns("minute", "heard", "LAeq", "LCpeak", "LA10", "LA90", "");
        for (var i = 1; i < table.Columns.Count - 1; i++)
            table.Columns[i].RightAligned();
        foreach (var m in minutes)
            table.AddRow([StoreCommands.Shown(m.Minute), Number(m.Levels.Seconds) + " s", .. Levels(m.Levels), m.Unit]);
        Terminal.Table(table);
        if (minutes.Count == MostShown)
            Errors.Note($"the latest {MostShown} minutes; --csv gives all");
    }

    private static void WriteCsv(IEnumerable<StoredMinute> minutes)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput(), Console.OutputEncoding);
        string[] names = [.. Enumerable.Range(ThirdOctaves.Lowest, ThirdOctaves.Highest - ThirdOctaves.Lowest + 1)
            .Select(b => "band_" + ThirdOctaves.Nominal(b).ToString("0.#", CultureInfo.InvariantCulture))];
        output.WriteLine($"time,seconds,unit,laeq,lcpeak,la10,la90,{string.Join(',', names)}");
        foreach (var m in minutes)
        {
            var bands = names.Select((_, i) => i < m.Levels.Bands.Count ? Number(m.Levels.Bands[i]) : "");
            var time = m.Minute.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            output.WriteLine(string.Join(',', [time, Number(m.Levels.Seconds), m.Unit, .. Levels(m.Levels), .. bands]));
        }
    }

    private static string[] Levels(LevelSummary levels) =>
        [Number(levels.LAeq), Number(levels.LCpeak), Number(levels.LA10), Number(levels.LA90)];

    private static string Number(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);
}
