using AstStream.Dsp;

namespace AstStream.Learning.Training;

/// <summary>
/// What a localiser is to say of a window: in which columns a label sounds. It is asked of labels alone that are in the window, and of
/// which it is known when they sound.
/// </summary>
internal sealed class ColumnTargets
{
    private readonly IReadOnlyList<string> _learnt;
    private readonly int[] _groupOf; // of a learnt label; -1 for none
    private readonly int _stride;
    private readonly int _margin; // frames before a column's own

    /// <summary>For a model that has a localiser.</summary>
    public ColumnTargets(FineTuneData data)
    {
        var (config, localiser) = (data.Config, data.Config.Localiser!);
        (_learnt, Groups, Columns) = (data.Learnt, localiser.Groups.Count, config.TimePatches);
        (_stride, _margin) = (config.TimeStride, (config.PatchSize - config.TimeStride) / 2);
        _groupOf = [.. Enumerable.Range(data.Kept, _learnt.Count).Select(
            label => localiser.Groups.Skip(data.KeptGroups.Count).ToList().FindIndex(g => g.Contains(label)) is >= 0 and var own
                ? data.KeptGroups.Count + own : -1)];
    }

    /// <summary>Columns of a window.</summary>
    public int Columns { get; }

    /// <summary>Values of a column.</summary>
    public int Groups { get; }

    /// <summary>Fills the learnt labels' part of a window's targets and weights; the rest stays as it is.</summary>
    /// <param name="made">What the window was made of.</param>
    /// <param name="first">Its clip.</param>
    /// <param name="second">The clip that it may have been mixed with.</param>
    /// <param name="weight">What a group counts.</param>
    /// <param name="targets">[columns, groups]: the share of the column in which it sounds.</param>
    /// <param name="weights">[columns, groups].</param>
    public void Fill(
        in MadeWindow made, LearntClip first, LearntClip second, float weight, Span<float> targets, Span<float> weights)
    {
        var frames = made.Length < FbankOptions.FrameLength ? 0 : 1 + ((made.Length - FbankOptions.FrameLength) / FbankOptions.FrameShift);
        var heard = Math.Clamp((frames - _margin + _stride - 1) / _stride, 0, Columns); // not padded
        for (var label = 0; label < _groupOf.Length; label++)
        {
            var group = _groupOf[label];
            if (group < 0 || !IsKnown(first, label) || (made.Share > 0 && !IsKnown(second, label)))
                continue;
            var sounds = false;
            for (var column = 0; column < heard; column++)
            {
                var share = Math.Max(Share(made.First, first, label, column), Share(made.Second, second, label, column));
                targets[(column * Groups) + group] = share;
                sounds |= share > 0;
            }

            for (var column = 0; column < heard && sounds; column++)
                weights[(column * Groups) + group] = weight / Columns;
        }
    }

    /// <summary>Whether it is known when a label sounds in a clip; also where it does not.</summary>
    private static bool IsKnown(LearntClip clip, int label) => clip.Clip.Clip.Times is not null || !clip.Targets.Contains(label);

    /// <summary>The share of a column in which a clip's label sounds.</summary>
    private float Share(in PlacedClip place, LearntClip clip, int label, int column)
    {
        if (place.Length == 0 || clip.Clip.Clip.Times is not { } times || !clip.Targets.Contains(label))
            return 0;
        var frames = 0;
        for (var frame = 0; frame < _stride; frame++)
        {
            var sample = place.At((((column * _stride) + _margin + frame) * FbankOptions.FrameShift) + (FbankOptions.FrameShift / 2));
            var at = (double)sample / FbankOptions.SampleRate;
            if (sample >= 0 && times.Any(t => t.Label == _learnt[label] && t.Onset <= at && at < t.Offset))
                frames++;
        }

        return (float)frames / _stride;
    }
}
