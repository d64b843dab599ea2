using System.Collections.Immutable;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Live;

/// <summary>
/// Those who look at what passes the arrows of a run. Without any, a message costs one look at an empty list. Safe for many threads.
/// </summary>
internal sealed class Taps
{
    private const int Shown = 5; // labels of a window

    private ImmutableArray<Tap> _taps = [];

    /// <summary>How many look.</summary>
    public int Count => _taps.Length;

    /// <summary>Somebody begins to look.</summary>
    public void Add(Tap tap) => ImmutableInterlocked.Update(ref _taps, t => t.Add(tap));

    /// <summary>Somebody ends.</summary>
    public void Remove(Tap tap) => ImmutableInterlocked.Update(ref _taps, t => t.Remove(tap));

    /// <summary>Sound passes, or a mark; it stays the caller's.</summary>
    public void Pass(AudioBlock block)
    {
        if (!_taps.IsEmpty)
            PassOn(block);
    }

    /// <summary>A piece of a stream's time is decided.</summary>
    public void Pass(StreamInfo stream, in DecidedPiece piece)
    {
        if (!_taps.IsEmpty)
            PassOn(stream, piece);
    }

    /// <summary>An event passes.</summary>
    public void Pass(SoundEvent e)
    {
        if (!_taps.IsEmpty)
            PassOn(e);
    }

    // What a lambda takes along is allocated where its method begins: so these are methods of their own.
    private void PassOn(AudioBlock block) => Pass(TapPoint.Blocks, block.Stream.Id, json => Write(json, block));

    private void PassOn(SoundEvent e) => Pass(TapPoint.Events, e.Stream.Id, json =>
    {
        json.WritePropertyName("event");
        RecordJson.Write(json, e);
    });

    private void PassOn(StreamInfo stream, in DecidedPiece piece)
    {
        var (model, state, start, end, until) = (piece.Model, piece.State, piece.Start, piece.End, piece.Until);
        Pass(TapPoint.Decided, stream.Id, json =>
        {
            json.WriteString("model", model);
            json.WriteString("state", state.SnakeCase());
            json.WriteNumber("until", Seconds(until));
        });
        if (piece.Scores.IsEmpty || !IsWanted(TapPoint.Scores, stream.Id))
            return;
        List<(string Label, double Score)> highest = [];
        foreach (var i in HighestScores.Of(piece.Scores, Shown))
            highest.Add((piece.Labels[i], piece.Scores[i]));
        Pass(TapPoint.Scores, stream.Id, json =>
        {
            json.WriteString("model", model);
            json.WriteNumber("start", Seconds(start));
            json.WriteNumber("end", Seconds(end));
            json.WriteStartObject("scores");
            foreach (var (label, score) in highest)
                json.WriteNumber(label, Math.Round(score, 4));
            json.WriteEndObject();
        });
    }

    private static void Write(Utf8JsonWriter json, AudioBlock block)
    {
        json.WriteString("kind", block.Kind.Word());
        json.WriteNumber("start", Math.Round((double)block.Start / block.SampleRate, 4));
        json.WriteNumber("samples", block.Samples.Length);
        json.WriteNumber("sample_rate", block.SampleRate);
        if (block.Kind != MessageKind.Data)
            return;
        var sum = 0.0;
        foreach (var sample in block.Samples)
            sum += (double)sample * sample;
        json.WriteNumber(
            "level_dbfs", Math.Round(Math.Max(10 * Math.Log10(sum / Math.Max(1, block.Samples.Length)), SignalMeter.FloorDb), 1));
    }

    private bool IsWanted(TapPoint point, string stream)
    {
        foreach (var tap in _taps)
        {
            if (tap.Wants(point, stream))
                return true;
        }

        return false;
    }

    /// <summary>Gives a message to those who want it; it is written once.</summary>
    private void Pass(TapPoint point, string stream, Action<Utf8JsonWriter> members)
    {
        byte[]? line = null;
        foreach (var tap in _taps)
        {
            if (!tap.Wants(point, stream))
                continue;
            line ??= Tap.Line(json =>
            {
                json.WriteString("of", point.Word());
                json.WriteString("stream", stream);
                members(json);
            });
            tap.Pass(line);
        }
    }

    private static double Seconds(long samples) => Math.Round(ModelTime.Seconds(samples), 4);
}
