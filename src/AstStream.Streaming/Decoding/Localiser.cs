using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Decoding;

/// <summary>
/// Makes of a localiser's logits when each label sounds in a part of an activity: from the first column in which it does rather than not
/// to the last one in which it may yet, by the majority of the columns around each. The part's own edges are the finer ones: an edge moves
/// into the part only where that takes off two columns or more. For one thread at a time.
/// </summary>
internal sealed class Localiser(ColumnLayout layout)
{
    private const double SmoothedFrames = 48; // what the majority is taken over
    private const float Begins = 0; // the logit of a column that begins a sound
    private const float GoesOn = -1; // and of one that it lasts to: sounds that die away are heard longer than they are sure

    private readonly LabelExtent[] _byGroup = new LabelExtent[layout.Groups];
    private readonly LabelExtent[] _byLabel = new LabelExtent[layout.GroupOf.Count];
    private readonly int _around = (int)Math.Round(((SmoothedFrames / layout.StrideFrames) - 1) / 2); // columns on each side
    private readonly int _margin = (layout.PatchFrames - layout.StrideFrames) / 2; // frames before a column's own

    /// <summary>One extent a label; none where the window has no columns. It holds until the next call.</summary>
    public ReadOnlySpan<LabelExtent> Extents(Piece window, in ActivityPart part)
    {
        ReadOnlySpan<float> logits = window.Columns;
        if (logits.IsEmpty)
            return [];
        var heard = Math.Min(
            logits.Length / layout.Groups, (window.Frames - _margin + layout.StrideFrames - 1) / layout.StrideFrames); // not padded
        for (var group = 0; group < layout.Groups; group++)
            _byGroup[group] = Extent(logits[..(heard * layout.Groups)], group, heard, window.Start, part);
        for (var label = 0; label < _byLabel.Length; label++)
            _byLabel[label] = layout.GroupOf[label] is >= 0 and var group ? _byGroup[group] : new LabelExtent(part.Start, part.End);
        return _byLabel;
    }

    private LabelExtent Extent(ReadOnlySpan<float> logits, int group, int columns, long windowStart, in ActivityPart part)
    {
        var (first, last) = (-1, -1);
        for (var column = 0; column < columns; column++)
        {
            if (first < 0 && Sounds(logits, group, columns, column, Begins))
                first = column;
            if (Sounds(logits, group, columns, column, GoesOn))
                last = column;
        }

        var least = 2L * layout.StrideFrames * FbankOptions.FrameShift;
        long At(int column) => windowStart + ((((long)column * layout.StrideFrames) + _margin) * FbankOptions.FrameShift);
        var (start, end) = (At(first), At(last + 1));
        return first < 0 || start >= part.End || end <= part.Start ? new LabelExtent(part.Start, part.End)
            : new LabelExtent(start - part.Start >= least ? start : part.Start, part.End - end >= least ? end : part.End);
    }

    /// <summary>Whether most of the columns around one have a group by a logit or more; none has it beyond the ends.</summary>
    private bool Sounds(ReadOnlySpan<float> logits, int group, int columns, int column, float least)
    {
        var votes = 0;
        for (var other = column - _around; other <= column + _around; other++)
            votes += other >= 0 && other < columns && logits[(other * layout.Groups) + group] >= least ? 1 : -1;
        return votes > 0;
    }
}
