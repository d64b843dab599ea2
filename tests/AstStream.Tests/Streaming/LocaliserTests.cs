using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;

namespace AstStream.Tests.Streaming;

/// <summary>A window of 20 columns of 16 frames, from sample 0 on; times in columns.</summary>
public class LocaliserTests
{
    private const int Column = 2560; // samples

    [Theory]
    [InlineData("..........#######...", 10, 17)] // from the first to the last
    [InlineData("....####....#####...", 4, 17)] // gaps and all
    [InlineData("..#.......####...#..", 10, 14)] // single columns do not count
    [InlineData("...#####.########...", 3, 17)] // single gaps neither
    [InlineData("..################..", 1, 19)] // the part's own edges are finer, up to two columns
    [InlineData("...##############...", 3, 17)]
    [InlineData("...--######-----....", 5, 16)] // what dies away lasts
    [InlineData("....------------....", 1, 19)] // and what never began is nowhere
    [InlineData("###############.....", 1, 15)] // from before the part on
    [InlineData("....................", 1, 19)] // nowhere: as long as the part
    public void Extents_ColumnsThatSound_CutThePart(string columns, int start, int end)
    {
        var extents = Extents(columns, new ActivityPart(Column, 19 * Column, ActivityProgress.Over));

        Assert.Equal(new LabelExtent(start * Column, end * Column), extents[1]);
        Assert.Equal(new LabelExtent(Column, 19 * Column), extents[0]); // a label that no group places
    }

    [Fact]
    public void Extents_PaddedColumns_DoNotCount()
    {
        // 8 columns and a half were heard.
        var extents = Extents("..####..############", new ActivityPart(0, 8 * Column, ActivityProgress.Over), frames: 136);

        Assert.Equal(new LabelExtent(2 * Column, 6 * Column), extents[1]);
    }

    [Fact]
    public void Extents_PatchesThatOverlap_StandForTheirMiddle()
    {
        // Patches of 16 frames every 10: a column's own time is from the third to the thirteenth. A median of 0.48 s is five columns.
        const int frame = 160;
        var extents = Extents(
            "......######........", new ActivityPart(0, 200 * frame, ActivityProgress.Over), frames: 206,
            new ColumnLayout([-1, 0], 1, PatchFrames: 16, StrideFrames: 10));

        Assert.Equal(new LabelExtent(63 * frame, 123 * frame), extents[1]);
    }

    [Fact]
    public void Extents_WindowWithoutColumns_AreNone()
    {
        var window = Windows.From(new float[128], 1);
        Assert.True(new Localiser(new ColumnLayout([0], 1, 16, 16)).Extents(window, new ActivityPart(0, 1, ActivityProgress.Over)).IsEmpty);
        window.Return();
    }

    private static LabelExtent[] Extents(string columns, ActivityPart part, int frames = 320, ColumnLayout? layout = null)
    {
        var window = Windows.From(new float[frames * 128], frames);
        var logits = window.ResizeColumns(columns.Length);
        for (var i = 0; i < columns.Length; i++)
            logits[i] = columns[i] switch
            {
                '#' => 0.1f,
                '-' => -0.9f,
                _ => -1.1f,
            };
        var extents = new Localiser(layout ?? new ColumnLayout([-1, 0], 1, 16, 16)).Extents(window, part).ToArray();
        window.Return();
        return extents;
    }
}
