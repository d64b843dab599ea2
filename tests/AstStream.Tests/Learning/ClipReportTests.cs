using AstStream.Learning.Evaluation;

namespace AstStream.Tests.Learning;

public sealed class ClipReportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ClipReport_WorkedByHand_CountsRanksAndMeans()
    {
        LabelledClip[] clips = [Clip("dog"), Clip("dog"), Clip("cat"), Clip("cow")];
        float[][] scores = [[0.9f, 0.1f, 0, 0], [0.2f, 0.7f, 0.1f, 0], [0.3f, 0.6f, 0.1f, 0], [0.5f, 0.2f, 0.1f, 0.2f]];

        var report = new ClipReport(["dog", "cat", "cow", "pig"], clips, scores);

        Assert.Equal(0.5, report.Top1.Share); // the first and the third
        Assert.Equal(0.75, report.Top3.Share); // the cow's own score is the lowest
        Assert.Equal(["dog", "cat", "cow"], report.Classes.Select(c => c.Label)); // there is no pig
        var dog = report.Classes[0];
        Assert.Equal((2, 0.5, 0.5, ("cat", 1)), (dog.Clips, dog.Recall, dog.Precision, dog.TakenFor));
        Assert.Equal((1 + (2 / 4.0)) / 2, dog.AveragePrecision, 1e-9); // first and last of four
        Assert.Equal(0.5, dog.Auc, 1e-9);
        var cow = report.Classes[2];
        Assert.True(double.IsNaN(cow.Precision)); // never said
        Assert.Equal(1 / 4.0 * 4 / 3, cow.AveragePrecision, 1e-9); // level with two others, above none
        Assert.Equal(report.Classes.Average(c => c.Auc), report.MeanAuc, 1e-12);
    }

    [Fact]
    public void ClipReport_ClipOfSeveralLabels_IsRightWithAnyOfThem()
    {
        var report = new ClipReport(["dog", "cat"], [new LabelledClip("x", ["dog", "cat"], "x", "")], [[0.2f, 0.3f]]);
        Assert.Equal(1, report.Top1.Share);
        Assert.Null(report.Classes[0].TakenFor);
    }

    [Fact]
    public void Read_Forms_GiveLabelsGroupsAndFolds()
    {
        Write("esc/meta/esc50.csv", "filename,fold,target,category,esc10,src_file,take\n1-7-A-0.wav,1,0,dog,True,7,A\n\n");
        var esc = Assert.Single(ClipDataset.Read(Path.Combine(_folder, "esc")));
        Assert.Equal(Path.Combine(_folder, "esc", "audio", "1-7-A-0.wav"), esc.Path);
        Assert.Equal(("dog", "7", "1"), (esc.Labels[0], esc.Group, esc.Fold));

        Write("own.csv", "File\tLabels\na.wav\tdog;cat\n");
        var own = Assert.Single(ClipDataset.Read(Path.Combine(_folder, "own.csv")));
        Assert.Equal((Path.Combine(_folder, "a.wav"), "a.wav", ""), (own.Path, own.Group, own.Fold));
        Assert.Equal(["dog", "cat"], own.Labels);

        Write("sc/yes/ab12_nohash_0.wav", "");
        Write("sc/no/cd34_nohash_1.wav", "");
        Assert.Equal(["no", "yes"], ClipDataset.Read(Path.Combine(_folder, "sc")).Select(c => c.Labels[0]));
        Write("sc/testing_list.txt", "yes/ab12_nohash_0.wav\n");
        Assert.Equal("ab12", Assert.Single(ClipDataset.Read(Path.Combine(_folder, "sc"))).Group);
    }

    [Theory]
    [InlineData("", "is empty; expected a line that names columns")]
    [InlineData("a,b\n", "found the columns a, b; expected filename or file or path, and category")]
    [InlineData("file,label\n", "names no clip")]
    [InlineData("file,label\na.wav,\n", "t.csv:2: found 'a.wav | '; expected a file in column 1 and a label in column 2")]
    public void Read_BrokenTable_SaysWhatWasExpected(string table, string message)
    {
        Write("t.csv", table);
        var e = Assert.Throws<InvalidTruthException>(() => ClipDataset.Read(Path.Combine(_folder, "t.csv")));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    private static LabelledClip Clip(string label) => new("x", [label], Guid.NewGuid().ToString(), "");

    private void Write(string path, string text)
    {
        path = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
